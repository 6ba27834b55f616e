"""What each family of evidence is worth: the verdicts without it, against labels."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from graph.derived import Snapshot
from graph.detect import Settings, derive
from graph.evaluate import hold
from ingest.ledger import Ledger
from ingest.progress import Progress, Report, silent
from ingest.workspace import Workspace

FAMILIES = ("payment", "device", "contact", "timing", "behaviour", "network", "social")
_MEASURES = (
    "recall of bans",
    "recall of ban or review",
    "precision of ban or review",
    "innocents per 1,000 bans",
    "average precision",
)


def ablate(
    workspace: Workspace,
    labels: pd.DataFrame,
    settings: Settings,
    progress: Progress = silent,
) -> pd.DataFrame:
    """One row with everything and one without each of `FAMILIES`.

    Looks from where the current snapshot looks and leaves that snapshot as it is.
    """
    as_of = Snapshot.current(workspace).as_of
    rows = []
    for done, family in enumerate(("", *FAMILIES)):
        name = f"without {family}" if family else "everything"
        progress(Report("weighing", done, 1 + len(FAMILIES), "runs", name))
        connection = Ledger.open(workspace).connect()
        derive(connection, as_of, replace(settings, without=frozenset({family} - {""})))
        summary = hold(connection, labels).tables["summary"]
        values = summary.set_index("measure")["value"]
        rows.append((name, *(float(values[measure]) for measure in _MEASURES)))
    return pd.DataFrame(rows, columns=["evidence", *_MEASURES])
