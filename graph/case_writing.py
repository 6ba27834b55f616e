"""The steps of writing to the case file, inside the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from graph.access import Person
from graph.acts import ALONE_LIMIT, ENFORCING, Act, ApprovalError, ConflictError
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

# What stands in an erased subject's place begins so.
TOMBSTONE = "erased:"


def raise_version(
    connection: sa.Connection, case_id: str, seen: int | None = None
) -> int:
    """Move the case on by one; `ConflictError` when it isn't at `seen` any more."""
    held = connection.execute(
        sa.select(CASES.c.version).where(CASES.c.case_id == case_id).with_for_update()
    ).scalar()
    now = held or 0
    if seen is not None and now != seen:
        raise ConflictError(
            f"someone else acted on {case_id} since this page was loaded: "
            "reload, look at the history, then decide"
        )
    row = {"case_id": case_id, "version": now + 1}
    if held is None:
        _insert_case(connection, row)
    else:
        connection.execute(
            CASES.update().where(CASES.c.case_id == case_id), {"version": now + 1}
        )
    return now + 1


def _insert_case(connection: sa.Connection, row: Mapping[str, object]) -> None:
    try:
        connection.execute(CASES.insert(), row)
    except sa.exc.IntegrityError as error:
        raise ConflictError(
            f"someone else acted on {row['case_id']} at this moment: reload"
        ) from error


def over_limit(connection: sa.Connection, act: Act, person: Person) -> bool:
    """Whether the person's own small batches on the case add up past the limit."""
    if act.verdict not in ENFORCING:
        return False
    own = sa.select(sa.func.count()).select_from(
        DECISIONS.join(BATCHES, BATCHES.c.batch_id == DECISIONS.c.batch_id)
    )
    before = connection.execute(
        own.where(
            BATCHES.c.case_id == act.case_id,
            BATCHES.c.by == person.name,
            BATCHES.c.verdict.in_(ENFORCING),
            BATCHES.c.needs_approval.is_(False),
        )
    ).scalar_one()
    return int(before) + len(act.subjects) > ALONE_LIMIT


def batch_row(act: Act, person: Person, at: datetime, waits: bool) -> dict[str, object]:
    """The row of a new batch; its id follows from who acted on which version when."""
    name = f"{act.case_id}\0{act.version}\0{person.name}\0{at.isoformat()}"
    return {
        "batch_id": f"b-{digest(name)[:16]}",
        "case_id": act.case_id,
        "version": act.version + 1,
        "verdict": act.verdict,
        "reason": act.reason,
        "note": act.note,
        "by": person.name,
        "at": at,
        "expires_at": act.expires_at,
        "snapshot": act.snapshot,
        "needs_approval": waits,
        "evidence": json.dumps(sorted(act.evidence)),
    }


def decision_rows(act: Act, batch_id: object) -> list[dict[str, object]]:
    """One row a subject, sorted."""
    return [
        {
            "decision_id": decision_id(batch_id, s.type, s.id),
            "batch_id": batch_id,
            "subject_type": s.type,
            "subject_id": s.id,
            "paying": s.paying,
            "undoes": None,
        }
        for s in sorted(set(act.subjects), key=lambda s: (s.type, s.id))
    ]


def remember_members(connection: sa.Connection, act: Act) -> None:
    """Add to the accounts by which the case follows its cluster."""
    known = set(
        connection.execute(
            sa.select(MEMBERS.c.account_id).where(MEMBERS.c.case_id == act.case_id)
        ).scalars()
    )
    fresh = sorted(set(act.members) - known)
    if fresh:
        rows = [{"case_id": act.case_id, "account_id": account} for account in fresh]
        connection.execute(MEMBERS.insert(), rows)


def waiting(connection: sa.Connection, batch_id: str) -> sa.Row[Any]:
    """The batch, if it still waits for a second person; else `ApprovalError`."""
    batch = connection.execute(
        sa.select(BATCHES).where(BATCHES.c.batch_id == batch_id)
    ).one_or_none()
    if batch is None or not batch.needs_approval:
        raise ApprovalError(f"no proposal {batch_id} waits for a second person")
    answered = connection.execute(
        sa.select(APPROVALS.c.by).where(APPROVALS.c.batch_id == batch_id)
    ).first()
    if answered is not None or not _live(connection, batch_id):
        raise ApprovalError(f"{batch_id} was answered or withdrawn already: reload")
    return batch


def _live(connection: sa.Connection, batch_id: str) -> bool:
    """Whether any decision of the batch still stands."""
    undoing = DECISIONS.alias()
    standing = sa.select(DECISIONS.c.decision_id).where(
        DECISIONS.c.batch_id == batch_id,
        ~sa.exists().where(undoing.c.undoes == DECISIONS.c.decision_id),
    )
    return connection.execute(standing).first() is not None


def undoable(
    connection: sa.Connection, decision_ids: Sequence[str]
) -> tuple[sa.Row[Any], Sequence[sa.Row[Any]]]:
    """The one batch that the decisions belong to, and their rows.

    Raises `ValueError` for unknown ids or several batches, `ConflictError` when one
    of them was undone before.
    """
    rows = connection.execute(
        sa.select(DECISIONS)
        .where(DECISIONS.c.decision_id.in_(decision_ids), DECISIONS.c.undoes.is_(None))
        .order_by(DECISIONS.c.decision_id)
    ).all()
    batches = {row.batch_id for row in rows}
    if len(rows) != len(set(decision_ids)) or len(batches) != 1:
        raise ValueError("undo takes decisions of one batch, by their ids")
    taken = connection.execute(
        sa.select(DECISIONS.c.undoes).where(DECISIONS.c.undoes.in_(decision_ids))
    ).first()
    if taken is not None:
        raise ConflictError(f"{taken.undoes} was undone already: reload")
    batch = connection.execute(
        sa.select(BATCHES).where(BATCHES.c.batch_id == batches.pop())
    ).one()
    return batch, rows


def undo_batch(
    batch: sa.Row[Any], person: Person, at: datetime, version: int, reason: str
) -> dict[str, object]:
    """The row of the batch that takes back decisions of `batch`."""
    name = f"{batch.batch_id}\0{version}\0{person.name}\0{at.isoformat()}"
    return {
        "batch_id": f"b-{digest(name)[:16]}",
        "case_id": batch.case_id,
        "version": version,
        "verdict": "undo",
        "reason": "other",
        "note": reason,
        "by": person.name,
        "at": at,
        "expires_at": None,
        "snapshot": batch.snapshot,
        "needs_approval": False,
        "evidence": "[]",
    }


def undo_row(row: sa.Row[Any], batch_id: str) -> dict[str, object]:
    """The decision that takes back `row`."""
    return {
        "decision_id": decision_id(batch_id, row.subject_type, row.subject_id),
        "batch_id": batch_id,
        "subject_type": row.subject_type,
        "subject_id": row.subject_id,
        "paying": row.paying,
        "undoes": row.decision_id,
    }


def blank(
    connection: sa.Connection, names: Sequence[str], tombstone: str
) -> tuple[int, list[int]]:
    """Replace what names somebody; returns rows changed and audit entries hit.

    `names` are the account's id, first, and whatever else gives the person away; each
    gets a tombstone of its own, so that no two rows become one.
    """
    changed, entries = 0, set[int]()
    for place, name in enumerate(names):
        mark = f"{tombstone}-{place}" if place else tombstone
        for column in (DECISIONS.c.subject_id, MEMBERS.c.account_id):
            changed += _replace(connection, column, name, mark)
        for kind in ("account", "key", "tenant"):
            for table in (CASES, BATCHES, NOTES, ASSIGNMENTS, VIEWS, MEMBERS):
                column = table.c.case_id
                changed += _replace(connection, column, f"{kind}:{name}", mark)
        for column in (BATCHES.c.note, NOTES.c.text, APPROVALS.c.note, VIEWS.c.payload):
            named = column.contains(name, autoescape=True)
            text = "{}" if column is VIEWS.c.payload else mark
            changed += _update(connection, column, named, text)
        named = AUDIT.c.subject.contains(name, autoescape=True)
        hit = sa.select(AUDIT.c.seq).where(named)
        entries |= set(connection.execute(hit).scalars())
        changed += _update(connection, AUDIT.c.subject, named, "")
    return changed, sorted(entries)


def _replace(
    connection: sa.Connection, column: sa.Column[Any], old: str, new: str
) -> int:
    return _update(connection, column, column == old, new)


def _update(
    connection: sa.Connection,
    column: sa.Column[Any],
    where: sa.ColumnElement[bool],
    new: str,
) -> int:
    table = column.table
    assert isinstance(table, sa.Table)  # noqa: S101 - narrows the type; columns above are all of tables
    return connection.execute(
        sa.update(table).where(where).values({column.key: new})
    ).rowcount


def content_digest(batch: Mapping[str, Any], decision_ids: Sequence[object]) -> str:
    """What the audit vouches for of a batch; leaves out what an erasure may blank."""
    kept = ("batch_id", "version", "verdict", "reason", "by", "at", "expires_at")
    covered = [str(batch[name]) for name in (*kept, "snapshot", "needs_approval")]
    return digest(json.dumps([covered, sorted(map(str, decision_ids))]))


def decision_id(batch_id: object, subject_type: str, subject_id: str) -> str:
    """The id of a decision, which is also its event's id in the ledger."""
    return f"d-{digest(f'{batch_id}|{subject_type}|{subject_id}')[:20]}"


def digest(text: str) -> str:
    """SHA-256 in hex; lone surrogates, which JSON may carry, included."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
