"""The audit chain: each edit, removal, move and cut is found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from graph import case_records
from graph.access import Person
from graph.acts import Act, Subject
from graph.audit import Entry
from graph.cases import Cases
from ingest.workspace import Workspace

NOON = datetime.fromisoformat("2026-05-01T12:00")
ANA = Person("ana", frozenset({"investigator"}))


@pytest.fixture
def cases(tmp_path: Path) -> Iterator[Cases]:
    opened = Cases.open(Workspace.open(tmp_path), b"a pepper of the tests")
    for n in range(4):
        subjects = (Subject("account", f"a-{n}"),)
        act = Act(f"account:a-{n}", 0, "ban", "key_replay", subjects, "s")
        opened.decide(act, ANA, NOON)
        opened.record(Entry(NOON, "ana", "reveal", f"a-{n}", {"kind": "email"}), ANA)
    opened.note("account:a-1", "a-1 wrote to us", ANA, NOON)
    yield opened
    opened.close()


def tamper(cases: Cases, statement: str) -> None:
    with cases.engine.execution_options(writing=True).begin() as connection:
        connection.execute(sa.text(statement))


def test_an_untouched_chain_holds(cases: Cases) -> None:
    assert cases.verify() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET detail = '{}' WHERE seq = 3",
        "UPDATE audit SET subject = 'a-9' WHERE seq = 2",
        "UPDATE audit SET subject = '' WHERE seq = 2",
        "UPDATE audit SET at = '2026-05-02 12:00:00.000000' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 4",
        "DELETE FROM audit WHERE seq = 9",
        "DELETE FROM audit",
        "UPDATE decisions SET subject_id = 'a-9' WHERE subject_id = 'a-1'",
        "DELETE FROM decisions WHERE subject_id = 'a-2'",
        "UPDATE batches SET verdict = 'clear' WHERE case_id = 'account:a-0'",
        "UPDATE batches SET needs_approval = 1 WHERE case_id = 'account:a-0'",
        "DELETE FROM batches WHERE case_id = 'account:a-3'",
    ],
)
def test_each_change_is_found(cases: Cases, statement: str) -> None:
    tamper(cases, statement)
    assert cases.verify()


def test_a_cut_tail_with_its_head_mended_is_missed_at_the_anchor(cases: Cases) -> None:
    tamper(cases, "DELETE FROM audit WHERE seq = 9")
    tamper(
        cases,
        "UPDATE audit_head SET seq = 8, hash = (SELECT hash FROM audit WHERE seq = 8)",
    )
    assert [fault.what for fault in cases.verify()] == [
        "the anchor knows this entry, the chain doesn't"
    ]


def test_swapped_entries_are_found(cases: Cases) -> None:
    tamper(cases, "UPDATE audit SET seq = 100 WHERE seq = 2")
    tamper(cases, "UPDATE audit SET seq = 2 WHERE seq = 4")
    tamper(cases, "UPDATE audit SET seq = 4 WHERE seq = 100")
    assert cases.verify()


def test_an_anchor_removed_or_changed_is_found(cases: Cases) -> None:
    text = cases.chain.anchor.read_text()
    cases.chain.anchor.write_text(text.replace("1 ", "2 ", 1))
    assert cases.verify()
    cases.chain.anchor.unlink()
    assert cases.verify()


def test_another_key_does_not_verify(cases: Cases, tmp_path: Path) -> None:
    other = Cases.open(Workspace(tmp_path), b"another pepper of the tests")
    assert other.verify()
    other.close()


def test_erasure_leaves_no_trace_and_a_chain_that_holds(cases: Cases) -> None:
    assert cases.erase("a-1", "erased:1f", ANA, NOON) > 0
    assert cases.verify() == []
    with cases.engine.begin() as connection:
        connection.execute(sa.text("SELECT 1"))
        connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = Path(str(cases.engine.url.database)).read_bytes()
    assert b"a-1" not in stored.replace(b"a-1" + b"0", b"")
    assert set(cases.approved(NOON)["subject_id"]) == {"a-0", "erased:1f", "a-2", "a-3"}


_COLUMNS: dict[str, tuple[str, ...]] = {
    "audit": ("by", "action", "subject", "digest", "detail", "previous", "hash"),
    "decisions": ("decision_id", "subject_id", "batch_id"),
    "batches": ("verdict", "reason", "by", "snapshot"),
}


def _flip(draw: random.Random) -> str:
    table = draw.choice(sorted(_COLUMNS))
    column = draw.choice(_COLUMNS[table])
    place = draw.randrange(4 if table != "audit" else 9)
    return (
        f"UPDATE {table} SET {column} = {column} || 'x' "
        f"WHERE rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET {place})"
    )


def _cut(draw: random.Random) -> str:
    return f"DELETE FROM audit WHERE seq > {draw.randrange(9)}"


def _remove(draw: random.Random) -> str:
    return f"DELETE FROM audit WHERE seq = {draw.randrange(1, 10)}"


@pytest.mark.parametrize(
    "edits", [24, pytest.param(1000, marks=pytest.mark.torture)], ids=str
)
def test_every_random_edit_is_found(cases: Cases, edits: int) -> None:
    draw = random.Random(7)  # noqa: S311 - a seed, so that a failure comes again
    attacks: list[Callable[[random.Random], str]] = [_flip, _cut, _remove]
    for _ in range(edits):
        statement = draw.choice(attacks)(draw)
        with cases.engine.execution_options(writing=True).connect() as connection:
            transaction = connection.begin()
            connection.execute(sa.text(statement))
            faults = cases.chain.verify(connection)
            assert faults or [*case_records.unvouched(connection)], statement
            transaction.rollback()
    assert cases.verify() == []
