"""Which decisions may leave: approved, in force, and few enough for one person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

from graph.exports.package import ExportError

COLUMNS = (
    "subject_type",
    "subject_id",
    "decision_id",
    "verdict",
    "reason",
    "approver",
    "decided_at",
    "expires_at",
    "snapshot",
)

# More decisions than this, each made by one person alone, leave only once a second
# person agrees (MediaWiki's CheckUser caps a mass block at 200).
CAP = 200


def in_force(approved: pd.DataFrame, clock: datetime) -> pd.DataFrame:
    """The decisions that count at `clock`: the latest on each subject, not expired.

    `approved` has `COLUMNS` and, if known, `second_approval`. Rows without an approver
    are no decisions and are dropped. Raises `ExportError` when a column is missing.
    """
    missing = [column for column in COLUMNS if column not in approved]
    if missing:
        raise ExportError(
            f"approved decisions lack {', '.join(missing)}: "
            "read them from the case file"
        )
    frame = approved[list(COLUMNS)].copy()
    second = approved.get("second_approval")
    frame["second_approval"] = False if second is None else second.astype(bool)
    for column in ("decided_at", "expires_at"):
        frame[column] = _naive_utc(frame[column])
    frame = frame[frame["approver"].notna() & (frame["approver"] != "")]
    frame = frame[frame["decided_at"] <= clock]
    frame = frame.sort_values(
        ["subject_type", "subject_id", "decided_at", "decision_id"]
    )
    latest = frame.drop_duplicates(["subject_type", "subject_id"], keep="last")
    return latest[~(latest["expires_at"] <= clock)].reset_index(drop=True)


def taken(frame: pd.DataFrame, takes: Collection[tuple[str, str]]) -> pd.DataFrame:
    """The rows whose type of subject and verdict a format takes."""
    pairs = pd.MultiIndex.from_frame(frame[["subject_type", "verdict"]])
    return frame[pairs.isin(list(takes))].reset_index(drop=True)


def check_cap(chosen: pd.DataFrame, seconded_by: str) -> None:
    """Raise `ExportError` above `CAP` single-handed decisions without a second person.

    `seconded_by` is who agrees to the export as a whole: someone else than those who
    approved its decisions. The caller vouches that they are who they say.
    """
    alone = chosen[~chosen["second_approval"]]
    if len(alone) <= CAP:
        return
    if not seconded_by:
        raise ExportError(
            f"{len(alone)} decisions of one person each are above the cap of {CAP}: "
            "have a second person approve the export"
        )
    if seconded_by in set(alone["approver"]):
        raise ExportError(
            f"{seconded_by} approved these decisions and can't also second them: "
            "have another person approve the export"
        )


def _naive_utc(moments: pd.Series) -> pd.Series:
    aware = pd.to_datetime(moments, utc=True)
    return aware.dt.tz_localize(None).astype("datetime64[us]")
