"""What people decided: append-only, undoable, signed, checked by a second person.

A *case* is what one page shows: a cluster, or one account, key or tenant. A *batch*
is one act on it: the same verdict over one or more subjects. Every act raises the
case's version; who acts on an older version than the file's is refused, so nobody
overwrites what they have not seen. The clock is passed in, naive UTC.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from graph import case_records, case_writing
from graph.access import Person, Right
from graph.acts import Act, ApprovalError, Outcome
from graph.audit import ERASE, Chain, Entry, Fault
from graph.case_tables import (
    APPROVALS,
    ASSIGNMENTS,
    BATCHES,
    DECISIONS,
    NOTES,
    VIEWS,
    connect,
)
from ingest.errors import RingfenceError
from ingest.pepper import Pepper
from ingest.secrets import Redactor
from ingest.workspace import Workspace


@dataclass(frozen=True)
class _Writing:
    """One transaction of one person, its audit entries' anchor lines gathered."""

    connection: sa.Connection
    chain: Chain
    person: Person
    at: datetime
    anchors: list[str] = field(default_factory=list)

    def log(self, action: str, subject: str, **detail: object) -> None:
        entry = Entry(self.at, self.person.name, action, subject, detail)
        self.anchors.append(self.chain.append(self.connection, entry))

    def audit(
        self, action: str, case_id: str, batch: Mapping[str, object], ids: Sequence[str]
    ) -> None:
        """Log a batch with the digest that vouches for its rows."""
        self.log(
            action,
            case_id,
            batch=batch["batch_id"],
            verdict=batch["verdict"],
            reason=batch["reason"],
            subjects=len(ids),
            content=case_writing.content_digest(batch, ids),
        )


@dataclass(frozen=True)
class Cases:
    """The case file of one installation.

    What people write is kept without the raw keys and card numbers in it.
    """

    engine: sa.Engine
    chain: Chain
    redactor: Redactor

    @classmethod
    def open(cls, workspace: Workspace, pepper: bytes) -> Cases:
        """The case file at `RINGFENCE_CASES_URL`, or SQLite in the workspace.

        Raises `RingfenceError` when it can't be reached.
        """
        url = os.environ.get("RINGFENCE_CASES_URL") or f"sqlite:///{workspace.cases}"
        try:
            redactor = Redactor(Pepper(pepper))
            return cls(connect(url), Chain.of(workspace, pepper), redactor)
        except sa.exc.SQLAlchemyError as error:
            place = sa.engine.make_url(url).render_as_string(hide_password=True)
            raise RingfenceError(
                f"the case file at {place} can't be opened: "
                "check RINGFENCE_CASES_URL and that its server runs"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    def decide(self, act: Act, person: Person, at: datetime) -> Outcome:
        """Record `act`; it waits for a second person where the policy says so.

        Raises `AccessError` without the right, `ConflictError` when the case moved.
        """
        return self.decide_all([act], person, at)[0]

    def decide_all(
        self, acts: Sequence[Act], person: Person, at: datetime
    ) -> list[Outcome]:
        """Record several verdicts on one case at once, or none of them.

        Each act carries the version that the person saw; they follow each other.
        """
        person.require(Right.DECIDE)
        clean = self.redactor.clean
        with self._writing(person, at) as writing:
            return [
                _record(
                    writing,
                    replace(act, version=act.version + place, note=clean(act.note)),
                )
                for place, act in enumerate(acts)
            ]

    def answer(
        self,
        batch_id: str,
        person: Person,
        at: datetime,
        *,
        agree: bool,
        note: str = "",
    ) -> None:
        """The second person's answer to a proposal that waits.

        Raises `AccessError`, or `ApprovalError` when it is the proposer's own, does
        not wait, or was answered before.
        """
        person.require(Right.APPROVE)
        with self._writing(person, at) as writing:
            batch = case_writing.waiting(writing.connection, batch_id)
            if batch.by == person.name:
                raise ApprovalError(
                    f"{person.name} proposed {batch_id}: another person must answer it"
                )
            row = {"batch_id": batch_id, "by": person.name, "at": at}
            writing.connection.execute(
                APPROVALS.insert(),
                row | {"approved": agree, "note": self.redactor.clean(note)},
            )
            case_writing.raise_version(writing.connection, batch.case_id)
            answer = "approve" if agree else "reject"
            writing.log(answer, batch.case_id, batch=batch_id)

    def undo(
        self, decision_ids: Sequence[str], person: Person, at: datetime, reason: str
    ) -> Outcome:
        """Take decisions of one batch back, each by a decision of its own.

        Lifting needs no second person. Raises `ConflictError` when one was undone.
        """
        person.require(Right.DECIDE)
        with self._writing(person, at) as writing:
            batch, rows = case_writing.undoable(writing.connection, decision_ids)
            version = case_writing.raise_version(writing.connection, batch.case_id)
            why = self.redactor.clean(reason)
            undo = case_writing.undo_batch(batch, person, at, version, why)
            writing.connection.execute(BATCHES.insert(), undo)
            undone = [case_writing.undo_row(row, str(undo["batch_id"])) for row in rows]
            writing.connection.execute(DECISIONS.insert(), undone)
            ids = [str(row["decision_id"]) for row in undone]
            writing.audit("undo", batch.case_id, undo, ids)
        return Outcome(str(undo["batch_id"]), tuple(ids), waits=False)

    def note(self, case_id: str, text: str, person: Person, at: datetime) -> None:
        """Add a note, a secret in it replaced; notes are never changed."""
        person.require(Right.NOTE)
        if not text.strip():
            raise ValueError("an empty note says nothing")
        with self._writing(person, at) as writing:
            said = {"text": self.redactor.clean(text)}
            row = {"case_id": case_id, "by": person.name, "at": at} | said
            writing.connection.execute(NOTES.insert(), row)
            writing.log("note", case_id, characters=len(text))

    def assign(
        self, versions: Mapping[str, int], assignee: str, person: Person, at: datetime
    ) -> None:
        """Give each case (by the version that was seen) to `assignee`, "" for nobody.

        Raises `ConflictError` and assigns none when one of them moved.
        """
        person.require(Right.NOTE)
        with self._writing(person, at) as writing:
            for case_id, version in sorted(versions.items()):
                case_writing.raise_version(writing.connection, case_id, version)
                row = {"case_id": case_id, "by": person.name, "at": at}
                writing.connection.execute(
                    ASSIGNMENTS.insert(), row | {"assignee": assignee}
                )
                writing.log("assign", case_id, assignee=assignee)

    def save_view(
        self,
        case_id: str,
        name: str,
        payload: Mapping[str, object],
        person: Person,
        at: datetime,
    ) -> int:
        """Keep how the graph was laid out, for colleagues; returns the view's id."""
        person.require(Right.NOTE)
        with self._writing(person, at) as writing:
            row = {"case_id": case_id, "name": name, "by": person.name, "at": at}
            text = json.dumps(payload, sort_keys=True)
            done = writing.connection.execute(VIEWS.insert(), row | {"payload": text})
            key = done.inserted_primary_key
            view_id = int(key[0]) if key else 0
            writing.log("save view", case_id, view=view_id)
        return view_id

    def record(self, entry: Entry, person: Person) -> None:
        """Audit what is no decision: a reveal, an export, a query."""
        with self._writing(person, entry.at) as writing:
            subject = self.redactor.clean(entry.subject)
            writing.log(entry.action, subject, **entry.detail)

    def erase(
        self,
        account_id: str,
        tombstone: str,
        person: Person,
        at: datetime,
        also: Sequence[str] = (),
    ) -> int:
        """Put `tombstone` in place of an account wherever the file names it.

        `also` are other texts that give it away: its keys, its mail address. Free
        text that names any of them goes whole. The audit chain still verifies.
        Returns how many rows changed.
        """
        names = list(dict.fromkeys((account_id, *also)))
        with self._writing(person, at) as writing:
            changed, entries = case_writing.blank(writing.connection, names, tombstone)
            writing.log(ERASE, tombstone, entries=entries, rows=changed)
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                # What was there lies in the write-ahead log until that is emptied.
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return changed

    def verify(self) -> list[Fault]:
        """Where the audit chain, or a decision it vouches for, doesn't hold."""
        with self.reading() as connection:
            return [
                *self.chain.verify(connection),
                *case_records.unvouched(connection),
            ]

    def approved(self, at: datetime) -> pd.DataFrame:
        """Decisions in force at `at`; see `graph.case_records.approved`."""
        with self.reading() as connection:
            return case_records.approved(connection, at)

    def events(self) -> pd.DataFrame:
        """Decisions as contract events; see `graph.case_records.events`."""
        with self.reading() as connection:
            return case_records.events(connection)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one moment of the file, for `graph.case_records`."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self, person: Person, at: datetime) -> Iterator[_Writing]:
        options = self.engine.execution_options(writing=True)
        with options.begin() as connection:
            writing = _Writing(connection, self.chain, person, at)
            yield writing
        self.chain.write_anchor("".join(writing.anchors))


def _record(writing: _Writing, act: Act) -> Outcome:
    connection, person = writing.connection, writing.person
    case_writing.raise_version(connection, act.case_id, act.version)
    over = case_writing.over_limit(connection, act, person)
    batch = case_writing.batch_row(act, person, writing.at, act.needs_approval or over)
    connection.execute(BATCHES.insert(), batch)
    rows = case_writing.decision_rows(act, batch["batch_id"])
    ids = [str(row["decision_id"]) for row in rows]
    connection.execute(DECISIONS.insert(), rows)
    case_writing.remember_members(connection, act)
    waits = bool(batch["needs_approval"])
    writing.audit("propose" if waits else "decide", act.case_id, batch, ids)
    return Outcome(str(batch["batch_id"]), tuple(ids), waits)
