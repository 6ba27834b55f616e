"""Forgetting reaches every place of a workspace, and says what it kept."""

from __future__ import annotations

import gzip
import zipfile
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.access import Person
from graph.acts import Act, Subject
from graph.cases import Cases
from graph.forget import forget, retain
from graph.soundness import check_cases
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.soundness import check_ledger
from ingest.workspace import Workspace

ANA = Person("ana", frozenset({"investigator"}))
NOON = datetime.fromisoformat("2026-06-02T12:00")
FAR = date(2999, 1, 1)
HERS = (b"jo@example.org", b"4915112345678", b"198.51.100.7", b"d-12345678")


def _traces(workspace: Workspace) -> list[str]:
    return [
        f"{path}: {text!r}"
        for path in workspace.root.rglob("*")
        if path.is_file()
        for text in HERS
        if text in path.read_bytes()
    ]


def _scatter(workspace: Workspace) -> None:
    """Leave her traces wherever a workspace may hold some."""
    out = workspace.root / "exports"
    out.mkdir()
    (out / "accounts.csv").write_text("account_id\na1\n")
    (out / "others.csv").write_text("account_id\na10\nxa1\n")
    pq.write_table(pa.table({"account_id": ["a1"]}), out / "accounts.parquet")
    (out / "a.jsonl.gz").write_bytes(gzip.compress(b'{"ip": "198.51.100.7"}'))
    with zipfile.ZipFile(out / "evidence.zip", "w") as archive:
        archive.writestr("x.json", '{"email": "jo@example.org"}')
    (workspace.root / "inbox").mkdir()
    (workspace.root / "inbox" / "1.json").write_text('{"email": "jo@example.org"}')
    (workspace.database / "files").mkdir(parents=True)
    (workspace.database / "files" / "x").write_bytes(HERS[0])
    (workspace.database / "staged").mkdir()
    (workspace.database / "password").write_text("kept")
    cases = Cases.open(workspace, Pepper.load().secret)
    act = Act("key:k1", 0, "revoke", "key_replay", (Subject("key", "k1"),), "s-1")
    cases.decide(act, ANA, NOON)
    cases.note("c-1", "wrote to jo@example.org", ANA, NOON)
    cases.close()


def test_no_place_keeps_what_names_her(workspace: Workspace) -> None:
    _scatter(workspace)
    assert _traces(workspace)
    gone = forget(workspace, "a1", FAR, ANA, NOON)
    assert gone.erased.events == 18
    assert sorted(path.name for path in gone.files) == [
        "1.json", "a.jsonl.gz", "accounts.csv", "accounts.parquet", "evidence.zip",
    ]  # fmt: skip
    assert _traces(workspace) == []
    assert (workspace.root / "exports" / "others.csv").exists()
    assert not workspace.derived.exists()
    left = {path.name for path in workspace.database.iterdir()}
    assert left - {"server.lock", "users.lock"} == {"password"}
    findings = [*check_ledger(workspace), *check_cases(workspace)]
    assert [one.text for one in findings if not one.sound] == []


def test_decisions_about_her_neither_teach_nor_leave(workspace: Workspace) -> None:
    cases = Cases.open(workspace, Pepper.load().secret)
    assert len(cases.events()) == 1
    forget(workspace, "a1", FAR, ANA, NOON)
    assert cases.events().empty
    (subject,) = cases.approved(NOON)["subject_id"]
    assert subject.startswith("erased:")
    cases.close()


def test_forgetting_again_finds_nothing_and_keeps_the_tombstone(
    workspace: Workspace,
) -> None:
    forget(workspace, "a1", FAR, ANA, NOON)
    again = forget(workspace, "a1", FAR, ANA, NOON)
    assert (again.erased.events, again.files) == (0, ())
    manifest = Ledger.open(workspace).manifest
    assert {stone.expires for stone in manifest.forgotten} == {FAR.isoformat()}


@pytest.mark.parametrize(
    ("days", "clock", "left"),
    [
        (1, NOON, 20),
        (1, NOON + timedelta(days=9999), 20),
        (1, NOON - timedelta(days=9999), 20),
    ],
)
def test_a_clock_that_jumps_erases_nothing_more(
    workspace: Workspace, days: int, clock: datetime, left: int
) -> None:
    """All events are of one hour; only the distance between events makes one old."""
    assert retain(workspace, days, clock).events == 0
    assert Ledger.open(workspace).manifest.rows("events") == left
    assert workspace.derived.exists()
