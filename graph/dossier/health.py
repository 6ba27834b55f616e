"""How the machinery stands: the ledger's counts, what was refused, the last runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd

from graph.dossier import Dossier
from ingest.workspace import Workspace

_TYPES = """
    SELECT type, count(*) AS events, max(occurred_at) AS latest
    FROM events GROUP BY type ORDER BY events DESC, type
"""

_REASONS = """
    SELECT reason, count(*) AS lines, count(DISTINCT file) AS files
    FROM quarantine GROUP BY reason ORDER BY lines DESC, reason
"""

_LINES = """
    SELECT * FROM quarantine
    WHERE $reason = '' OR reason = $reason
    ORDER BY ALL LIMIT $limit OFFSET $offset
"""

_SIZES = """
    SELECT (SELECT count(*) FROM accounts) AS accounts,
           (SELECT count(*) FROM clusters WHERE action <> 'none') AS suspicious,
           (SELECT count(*) FROM keys) AS keys,
           (SELECT count(*) FROM tenants) AS tenants,
           (SELECT count(*) FROM observations) AS observations
"""


@dataclass(frozen=True)
class Vitals:
    """What is in the ledger, and until when."""

    events: int
    latest: datetime | None
    by_type: pd.DataFrame
    refused: pd.DataFrame


def vitals(ledger: duckdb.DuckDBPyConnection) -> Vitals:
    """Counts of the ledger by type, and of its quarantine by reason."""
    types = ledger.execute(_TYPES).df()
    refused = ledger.execute(_REASONS).df()
    latest = types["latest"].max() if len(types) else None
    return Vitals(
        int(types["events"].sum()),
        None if latest is None or pd.isna(latest) else latest.to_pydatetime(),
        types,
        refused,
    )


def refused_lines(
    ledger: duckdb.DuckDBPyConnection, reason: str, page: int, size: int = 50
) -> pd.DataFrame:
    """Lines in quarantine with their place and reason; secrets are redacted in them."""
    asked = {"reason": reason, "limit": size, "offset": size * page}
    return ledger.execute(_LINES, asked).df()


def runs(workspace: Workspace) -> pd.DataFrame:
    """The last ingest and the runs of detection still held, the newest first.

    Columns run, finished (naive UTC), as_of (of a detection: what it looked from).
    """
    held: list[tuple[str, Path, datetime | None]] = [
        ("detect", table, _as_of(table.parent.name))
        for table in workspace.derived.glob("[0-9]*/accounts.parquet")
    ]
    manifest = workspace.ledger / "manifest.json"
    if manifest.exists():
        held.append(("ingest", manifest, None))
    rows = [
        (run, datetime.fromtimestamp(place.stat().st_mtime, UTC), as_of)
        for run, place, as_of in held
    ]
    frame = pd.DataFrame(rows, columns=["run", "finished", "as_of"])
    frame["finished"] = pd.to_datetime(frame["finished"], utc=True).dt.tz_localize(None)
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    return frame.sort_values(["finished", "run"], ascending=False, ignore_index=True)


def _as_of(snapshot: str) -> datetime:
    """The time in a snapshot's name; see `graph.derived.write_snapshot`."""
    moment = snapshot.partition("-")[0]
    return pd.to_datetime(moment, format="%Y%m%dT%H%M%S").to_pydatetime()


def sizes(dossier: Dossier) -> dict[str, int]:
    """How many of each the snapshot holds."""
    row = dossier.ask(_SIZES).iloc[0]
    return {str(name): int(value) for name, value in row.items()}
