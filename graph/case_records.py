"""What the case file says: states, histories, proposals, decisions in force.

Every question takes a connection from `Cases.reading` and returns a frame.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from graph.acts import ENFORCING
from graph.audit import Fault
from graph.case_tables import (
    APPROVALS,
    ASSIGNMENTS,
    AUDIT,
    BATCHES,
    CASES,
    DECISIONS,
    MEMBERS,
    NOTES,
    VIEWS,
)
from graph.case_writing import TOMBSTONE, content_digest, decision_id

# Verdicts after which a case still needs eyes.
_OPEN = frozenset({"review", "watch"})

_UNDOING = DECISIONS.alias("undoing")
_JOINED = (
    sa.select(
        DECISIONS.c.decision_id,
        DECISIONS.c.subject_type,
        DECISIONS.c.subject_id,
        DECISIONS.c.paying,
        DECISIONS.c.undoes,
        _UNDOING.c.decision_id.label("undone_by"),
        BATCHES,
        APPROVALS.c.by.label("answered_by"),
        APPROVALS.c.at.label("answered_at"),
        APPROVALS.c.approved,
    )
    .join(BATCHES, BATCHES.c.batch_id == DECISIONS.c.batch_id)
    .outerjoin(APPROVALS, APPROVALS.c.batch_id == BATCHES.c.batch_id)
    .outerjoin(_UNDOING, _UNDOING.c.undoes == DECISIONS.c.decision_id)
    .order_by(BATCHES.c.case_id, BATCHES.c.version, DECISIONS.c.decision_id)
)


def decisions(connection: sa.Connection, case_id: str | None = None) -> pd.DataFrame:
    """Every decision with its batch and answer, oldest first.

    `state` is in force, waiting, rejected, undone, or undo (what takes one back).
    """
    query = _JOINED if case_id is None else _JOINED.where(BATCHES.c.case_id == case_id)
    frame = _frame(connection, query)
    frame["state"] = _state(frame)
    # A clock that was set back puts no version of a case before an earlier one.
    order = frame.groupby("case_id")["at"].cummax().sort_values(kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _state(frame: pd.DataFrame) -> pd.Series:
    agreed = frame["approved"].astype("boolean")
    waits = frame["needs_approval"].astype(bool) & agreed.isna()
    state = pd.Series("in force", index=frame.index, dtype="object")
    state[waits] = "waiting"
    state[agreed.eq(False).fillna(False)] = "rejected"
    state[frame["undone_by"].notna()] = "undone"
    state[frame["undoes"].notna()] = "undo"
    return state


def approved(connection: sa.Connection, at: datetime) -> pd.DataFrame:
    """Decisions in force at `at`: agreed where needed, not undone, not expired.

    Where a subject got several, the latest counts. `approver` is the second person,
    or who decided where one person was enough; `second_approval` tells them apart.
    """
    frame = decisions(connection)
    frame = frame[(frame["state"] == "in force") & (frame["at"] <= at)]
    frame = frame[frame["expires_at"].isna() | (frame["expires_at"] > at)]
    frame = frame.drop_duplicates(["subject_type", "subject_id"], keep="last")
    result = pd.DataFrame(
        {
            "subject_type": frame["subject_type"],
            "subject_id": frame["subject_id"],
            "decision_id": frame["decision_id"],
            "verdict": frame["verdict"],
            "reason": frame["reason"],
            "approver": frame["answered_by"].fillna(frame["by"]),
            "decided_at": frame["answered_at"].fillna(frame["at"]),
            "expires_at": frame["expires_at"],
            "snapshot": frame["snapshot"],
            "decided_by": frame["by"],
            "second_approval": frame["answered_by"].notna(),
            "case_id": frame["case_id"],
        }
    )
    return result.sort_values(["subject_type", "subject_id"], ignore_index=True)


def events(connection: sa.Connection) -> pd.DataFrame:
    """Decisions that teach, as contract events; the event's id is the decision's.

    Enforced verdicts say abusive, `clear` says legitimate, what undoes either says
    withdrawn. Proposals that wait or were rejected say nothing yet.
    """
    frame = decisions(connection)
    said = {**dict.fromkeys(ENFORCING, "abusive"), "clear": "legitimate"}
    teaches = frame["verdict"].isin([*said, "undo"])
    teaches &= frame["subject_type"].isin(["account", "key", "tenant"])
    teaches &= frame["state"].isin(["in force", "undone", "undo"])
    teaches &= ~(frame["needs_approval"].astype(bool) & frame["approved"].isna())
    # Who was forgotten stays out of the ledger, by whatever name.
    teaches &= ~frame["subject_id"].astype("str").str.startswith(TOMBSTONE)
    frame = frame[teaches]
    taught = frame["undoes"].isna() | frame["undoes"].isin(frame["decision_id"])
    frame = frame[taught]
    result = pd.DataFrame(
        {
            "event_id": frame["decision_id"],
            "type": frame["subject_type"] + ".reviewed",
            "occurred_at": frame["answered_at"].fillna(frame["at"]),
            "verdict": frame["verdict"].map(said | {"undo": "withdrawn"}),
            "reviewer": frame["by"],
            "note": frame["reason"],
            "expires_at": frame["expires_at"],
        }
    )
    for subject in ("account", "key", "tenant"):
        named = frame["subject_id"].where(frame["subject_type"] == subject)
        result[f"{subject}_id"] = named
    return result.sort_values("event_id", ignore_index=True)


def states(connection: sa.Connection, at: datetime) -> pd.DataFrame:
    """One row a case: version, status, latest verdict and who has it.

    `status` is new, in review, waiting, decided or dismissed (a dismissal past its
    expiry is in review again). `evidence` is what was known at the last verdict.
    """
    latest = _latest_batches(connection, at)
    noted = _frame(connection, sa.select(NOTES.c.case_id).distinct())["case_id"]
    frame = _frame(connection, sa.select(CASES)).merge(noted, how="outer")
    frame["version"] = frame["version"].fillna(0).astype(int)
    frame = frame.merge(latest, on="case_id", how="left")
    frame = frame.merge(_assignees(connection), on="case_id", how="left")
    frame["assignee"] = frame["assignee"].fillna("")
    touched = frame["case_id"].isin(noted) | (frame["assignee"] != "")
    fallback = touched.map({True: "in review", False: "new"})
    frame["status"] = frame["status"].where(frame["status"].notna(), fallback)
    return frame


def _latest_batches(connection: sa.Connection, at: datetime) -> pd.DataFrame:
    frame = decisions(connection)
    frame = frame[frame["state"].isin(["in force", "waiting"])]
    frame = frame.drop_duplicates("case_id", keep="last")
    status = pd.Series("decided", index=frame.index, dtype="object")
    status[frame["verdict"].isin(_OPEN)] = "in review"
    status[frame["verdict"] == "dismiss"] = "dismissed"
    status[frame["state"] == "waiting"] = "waiting"
    status[frame["expires_at"].notna() & (frame["expires_at"] <= at)] = "in review"
    columns = ["case_id", "verdict", "reason", "by", "at", "expires_at", "evidence"]
    return frame[columns].assign(status=status)


def _assignees(connection: sa.Connection) -> pd.DataFrame:
    query = sa.select(ASSIGNMENTS).order_by(ASSIGNMENTS.c.assignment_id)
    frame = _frame(connection, query).drop_duplicates("case_id", keep="last")
    return frame[["case_id", "assignee"]]


def members(connection: sa.Connection) -> pd.DataFrame:
    """Which accounts each case was about: case_id, account_id."""
    return _frame(connection, sa.select(MEMBERS).order_by(*MEMBERS.c))


def version(connection: sa.Connection, case_id: str) -> int:
    """The case's version, 0 for one that nobody has touched."""
    query = sa.select(CASES.c.version).where(CASES.c.case_id == case_id)
    return int(connection.execute(query).scalar() or 0)


def notes(connection: sa.Connection, case_id: str) -> pd.DataFrame:
    """The case's notes, newest first."""
    query = sa.select(NOTES).where(NOTES.c.case_id == case_id)
    return _frame(connection, query.order_by(NOTES.c.note_id.desc()))


def views(connection: sa.Connection, case_id: str) -> pd.DataFrame:
    """The case's saved views, newest first; `payload` is JSON."""
    query = sa.select(VIEWS).where(VIEWS.c.case_id == case_id)
    return _frame(connection, query.order_by(VIEWS.c.view_id.desc()))


def audit(connection: sa.Connection, limit: int, offset: int = 0) -> pd.DataFrame:
    """Entries of the audit, newest first."""
    query = sa.select(AUDIT).order_by(AUDIT.c.seq.desc())
    return _frame(connection, query.limit(limit).offset(offset))


def entries(connection: sa.Connection) -> int:
    """How many entries the audit has."""
    counted = sa.select(sa.func.count()).select_from(AUDIT)
    return int(connection.execute(counted).scalar_one())


def history(connection: sa.Connection, case_id: str) -> pd.DataFrame:
    """The audit of one case, newest first."""
    query = sa.select(AUDIT).where(AUDIT.c.subject == case_id)
    return _frame(connection, query.order_by(AUDIT.c.seq.desc()))


def new_evidence(then: str, now: Iterable[str]) -> list[str]:
    """What speaks against a case now and did not when `then` (JSON) was recorded."""
    return sorted(set(now) - set(json.loads(then)))


def unvouched(connection: sa.Connection) -> Iterator[Fault]:
    """Batches and decisions that the audit doesn't know in this form."""
    rows = _frame(connection, sa.select(DECISIONS))
    ids = rows.groupby("batch_id")["decision_id"].apply(list).to_dict()
    vouched = _vouched(connection)
    for batch in map(dict, connection.execute(sa.select(BATCHES)).mappings()):
        known = vouched.pop(batch["batch_id"], None)
        if known != content_digest(batch, ids.get(batch["batch_id"], [])):
            yield Fault(0, f"batch {batch['batch_id']} is not what the audit recorded")
    for batch_id in sorted(map(str, vouched)):
        yield Fault(0, f"batch {batch_id} is in the audit but not in the file")
    for row in connection.execute(sa.select(DECISIONS)):
        named = decision_id(row.batch_id, row.subject_type, row.subject_id)
        if row.decision_id != named and not row.subject_id.startswith(TOMBSTONE):
            yield Fault(0, f"decision {row.decision_id} names another subject")


def _vouched(connection: sa.Connection) -> dict[str, str]:
    acts = sa.select(AUDIT.c.detail).where(
        AUDIT.c.action.in_(["decide", "propose", "undo"])
    )
    details = (json.loads(text) for text in connection.execute(acts).scalars())
    return {detail.get("batch"): detail.get("content") for detail in details}


def _frame(
    connection: sa.Connection, query: sa.Select[tuple[object, ...]]
) -> pd.DataFrame:
    result = connection.execute(query)
    frame = pd.DataFrame(result.all(), columns=list(result.keys()))
    for name in ("at", "expires_at", "answered_at"):
        if name in frame:
            frame[name] = pd.to_datetime(frame[name])
    return frame
