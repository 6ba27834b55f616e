"""Ban and revoke lists as CSV, JSON lines or Parquet: every decision, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from graph.exports import cells
from graph.exports.package import Bundle, Context, File

COLUMNS: Mapping[str, str] = {
    "subject_type": "text",
    "subject_id": "id",
    "action": "text",
    "reason": "text",
    "decision_id": "id",
    "approver": "id",
    "decided_at": "time",
    "expires_at": "time",
    "snapshot": "id",
}

# What takes each verdict back.
UNDOES: Mapping[str, str] = {
    "ban": "unban",
    "hold": "release",
    "revoke": "reinstate",
    "throttle": "unthrottle",
}

_ROWS = """
    CREATE OR REPLACE TEMP TABLE listed AS
    SELECT subject_type, subject_id,
           coalesce(element_at($actions, verdict)[1], verdict) AS action, reason,
           decision_id, approver, decided_at, expires_at, snapshot
    FROM decided
"""


def build_csv(context: Context) -> Bundle:
    """For people and spreadsheets: text that a spreadsheet would run is inert."""
    return _build(context, ".csv")


def build_jsonl(context: Context) -> Bundle:
    """For machines: every id exact."""
    return _build(context, ".jsonl")


def build_parquet(context: Context) -> Bundle:
    """For warehouses: every id exact, times typed."""
    return _build(context, ".parquet")


def _build(context: Context, ending: str) -> Bundle:
    return Bundle(
        files=(File("", _written(context, {}, ending)),),
        rollback=(File("", _written(context, UNDOES, ending)),),
    )


def _written(context: Context, actions: Mapping[str, str], ending: str) -> bytes:
    pairs = {"key": list(actions), "value": list(actions.values())}
    context.tables.execute(_ROWS, {"actions": pairs})
    with TemporaryDirectory(prefix="ringfence-") as folder:
        out = Path(folder) / f"list{ending}"
        cells.write(context.tables, "listed", COLUMNS, out)
        return out.read_bytes()
