"""What one run found, in words and figures that a person understands."""

from __future__ import annotations

from pathlib import Path

from graph.derived import Snapshot
from ingest.workspace import Workspace

CASES = {
    "disposable_signup": "disposable sign-ups",
    "stolen_payment": "stolen payment",
    "key_replay": "replayed keys",
    "tenant_drain": "drained tenants",
    "cloud_key_exposure": "exposed cloud keys",
}

_FOUND = """
    SELECT typology, count(*) AS subjects, sum(cost_usd) AS usd,
           count(*) FILTER (action IN ('ban', 'revoke', 'throttle')) AS sure
    FROM (
        SELECT typology, cost_usd, action FROM accounts
        UNION ALL SELECT typology, cost_usd, action FROM keys
        UNION ALL SELECT typology, cost_usd, action FROM tenants
    ) WHERE typology <> '' GROUP BY typology
"""

_CLUSTERS = """
    SELECT count(*) FILTER (action <> 'none'), count(*),
           coalesce(sum(accounts) FILTER (action <> 'none'), 0) FROM clusters
"""


def summarise(workspace: Workspace, counts: dict[str, int], out: Path) -> str:
    """The summary of the current snapshot after an ingest with these counts."""
    snapshot = Snapshot.current(workspace)
    connection = snapshot.connect()
    found = {row[0]: row[1:] for row in connection.execute(_FOUND).fetchall()}
    acting, clusters, accounts = connection.execute(_CLUSTERS).fetchall()[0]
    lines = [
        "",
        "Events    " + ", ".join(f"{n:,} {name}" for name, n in counts.items()),
        f"Clusters  {clusters:,} found, {acting:,} to act on ({accounts:,} accounts)",
        f"Seen up to {snapshot.as_of:%Y-%m-%d %H:%M} UTC",
        "",
    ]
    for typology, title in CASES.items():
        subjects, usd, sure = found.get(typology, (0, 0.0, 0))
        lines.append(
            f"  {title:22} {subjects:5,} found, {sure:5,} recommended for action, "
            f"${usd or 0:12,.2f} taken"
        )
    lines += [
        "",
        f"Exports   {out}",
        f"Workspace {workspace.root}",
        "A person approves every ban: open the page to decide.",
    ]
    return "\n".join(lines)
