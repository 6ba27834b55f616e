"""The log walked in event time: how soon each theft is seen, at what cost.

Nothing of the future is looked at: each step sees the events up to its own moment,
late disputes included only once they have come.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pandas as pd

from graph.detect import Settings, derive
from graph.seen import frame
from ingest.errors import UsageError
from ingest.ledger import Ledger
from ingest.progress import Progress, Report, silent
from ingest.workspace import Workspace

_BOUNDS = "SELECT min(occurred_at), max(occurred_at) FROM events"

_STATE = """
    SELECT account_id, action, cost_usd, first_use FROM accounts WHERE action <> 'none'
"""


def replay(
    workspace: Workspace,
    labels: pd.DataFrame,
    step: timedelta,
    settings: Settings,
    progress: Progress = silent,
) -> dict[str, pd.DataFrame]:
    """Tables "time to detect" by case and level, and "flips" of verdicts.

    Hours count from an account's first use to the step that first flagged it; dollars
    are what it had taken by then. Raises `UsageError` where the ledger is empty.
    """
    ledger = Ledger.open(workspace)
    settings = replace(settings, looking_back=True)
    first, last = _bounds(ledger.connect())
    steps = (last + step - first) // step
    seen: list[pd.DataFrame] = []
    moment = first + step
    while moment <= last + step:
        connection = ledger.connect()
        derive(connection, min(moment, last), settings)
        seen.append(frame(connection, _STATE).assign(at=moment))
        detail = f"{moment:%Y-%m-%d %H:%M}: {len(seen[-1]):,} accounts flagged"
        progress(Report("replaying", len(seen), steps, "steps", detail))
        moment += step
    return _tables(pd.concat(seen, ignore_index=True), labels, len(seen))


def _bounds(connection: duckdb.DuckDBPyConnection) -> tuple[datetime, datetime]:
    first, last = connection.execute(_BOUNDS).fetchall()[0]
    if first is None:
        raise UsageError("the ledger is empty: run `ringfence ingest` first")
    return first, last


def _tables(
    states: pd.DataFrame, labels: pd.DataFrame, steps: int
) -> dict[str, pd.DataFrame]:
    caught = states.drop_duplicates("account_id").merge(labels, on="account_id")
    caught["hours"] = (caught["at"] - caught["first_use"]).dt.total_seconds() / 3600
    speed = (
        caught[caught["abusive"]]
        .groupby(["case", "level"])
        .agg(
            caught=("hours", "size"),
            median_hours=("hours", "median"),
            p95_hours=("hours", lambda h: float(np.nanquantile(h, 0.95))),
            usd_lost_before=("cost_usd", "sum"),
        )
        .reset_index()
    )
    shown = states.groupby("account_id")["at"].agg(["size", "min", "max"])
    gone = shown["max"] < states["at"].max()
    flips = pd.DataFrame(
        {
            "measure": ["steps", "accounts ever flagged", "flagged, then cleared"],
            "value": [steps, len(shown), int(gone.sum())],
        }
    )
    return {"time to detect": speed, "flips": flips}
