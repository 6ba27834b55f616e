"""People's decisions enter the ledger, each once, and teach the next run."""

from __future__ import annotations

from graph.cases import Cases
from ingest.ledger import Counts, Ledger
from ingest.pepper import Pepper
from ingest.workspace import Workspace


def hand_over(workspace: Workspace) -> Counts | None:
    """Bring the case file's decisions into the ledger as contract events.

    A decision's event id is its own id, so one that is already there changes nothing.
    None where nobody has decided anything yet.
    """
    cases = Cases.open(workspace, Pepper.load().secret)
    try:
        events = cases.events()
    finally:
        cases.close()
    if events.empty:
        return None
    for column in ("occurred_at", "expires_at"):
        moments = events[column].astype("datetime64[us]")
        events[column] = moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spool = workspace.root / "decisions.ndjson"
    events.to_json(spool, orient="records", lines=True)
    try:
        return Ledger.open(workspace).ingest([spool])
    finally:
        spool.unlink()
