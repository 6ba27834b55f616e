"""The same events give the same bytes: in any order or batches, twice, in any room."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.shape import Shape
from demo.world import make
from graph.derived import TABLES, Snapshot
from graph.detect import HELD_AS, Settings, derive, detect
from ingest.ledger import Ledger
from ingest.workspace import Workspace

Change = Callable[[Workspace, pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Whole:
    """The lines of a small world, and the tables that one ingest of it gives."""

    folder: Path
    lines: list[str]
    tables: dict[str, bytes]


def _bytes(snapshot: Snapshot) -> dict[str, bytes]:
    return {name: (snapshot.folder / f"{name}.parquet").read_bytes() for name in TABLES}


def _ingest(workspace: Workspace, lines: list[str]) -> None:
    batch = workspace.root / "batch.ndjson"
    batch.write_text("".join(lines))
    Ledger.open(workspace).ingest([batch])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("batches")
    world = make(
        folder / "world", accounts=300, seed=8, shape=Shape(formats=("ndjson",))
    )
    texts = [path.read_text(encoding="utf-8") for path in world.events]
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    workspace = Workspace.open(folder / "whole")
    _ingest(workspace, lines)
    return Whole(folder, lines, _bytes(detect(workspace)))


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 1000),
    batches=st.integers(1, 4),
    looking=st.booleans(),
)
def test_order_and_batches_leave_no_trace(
    whole: Whole, seed: int, batches: int, looking: bool
) -> None:
    dice = random.Random(seed)  # noqa: S311 - an order, not a secret
    lines = [*whole.lines, *dice.sample(whole.lines, 200)]
    dice.shuffle(lines)
    workspace = Workspace.open(whole.folder / f"split-{dice.getrandbits(64):x}")
    for number in range(batches):
        _ingest(workspace, lines[number::batches])
        if looking:
            detect(workspace)
    assert _bytes(detect(workspace)) == whole.tables


def test_what_stands_is_not_made_again(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.open(whole.folder / "whole")
    runs: list[datetime] = []

    def count(connection: object, as_of: datetime, *given: object) -> None:
        runs.append(as_of)
        derive(connection, as_of, *given)  # type: ignore[arg-type]

    monkeypatch.setattr("graph.detect.derive", count)
    standing = detect(workspace)
    assert not runs
    assert _bytes(standing) == whole.tables
    assert _bytes(detect(workspace, anew=True)) == whole.tables
    assert len(runs) == 1


def _other_setting(workspace: Workspace, _: pytest.MonkeyPatch) -> None:
    detect(workspace, settings=Settings(base_rate=0.2))


def _other_moment(workspace: Workspace, _: pytest.MonkeyPatch) -> None:
    detect(workspace, as_of=Snapshot.current(workspace).as_of - timedelta(hours=1))


def _new_event(workspace: Workspace, _: pytest.MonkeyPatch) -> None:
    event = {
        "event_id": "late", "type": "session.started", "account_id": "late",
        "occurred_at": Snapshot.current(workspace).as_of.isoformat() + "Z",
    }  # fmt: skip
    _ingest(workspace, [json.dumps(event) + "\n"])
    detect(workspace)


def _damage(workspace: Workspace, _: pytest.MonkeyPatch) -> None:
    with (Snapshot.current(workspace).folder / "tenants.parquet").open("ab") as file:
        file.write(b"x")
    detect(workspace)


def _other_release(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.basis.version", lambda name: f"another {name}")
    detect(workspace)


@pytest.mark.parametrize(
    "change", [_other_setting, _other_moment, _new_event, _damage, _other_release]
)
def test_what_no_longer_stands_is_made_again(
    whole: Whole, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    workspace = Workspace.open(whole.folder / change.__name__)
    shutil.copytree(whole.folder / "whole", workspace.root, dirs_exist_ok=True)
    runs: list[object] = []

    def stop(*_: object) -> None:
        runs.append(change)
        raise InterruptedError

    monkeypatch.setattr("graph.detect.derive", stop)
    with pytest.raises(InterruptedError):
        change(workspace, monkeypatch)
    assert runs == [change]


def test_a_run_ends_with_what_is_written_alone(whole: Whole) -> None:
    workspace = Workspace.open(whole.folder / "whole")
    connection = Ledger.open(workspace).connect()
    tables = "SELECT table_name FROM duckdb_tables()"
    before = connection.execute(tables).fetchall()
    derive(connection, Snapshot.current(workspace).as_of, Settings())
    held = {*connection.execute(tables).fetchall()} - {*before}
    aside = {"cluster_evidence", "shared_identifiers"}
    written = {HELD_AS.get(name, name) for name in TABLES}
    assert {name for (name,) in held} == written | aside


def test_little_room_changes_nothing(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_MEMORY", "100MB")
    monkeypatch.setenv("RINGFENCE_THREADS", "1")
    workspace = Workspace.open(whole.folder / "tight")
    _ingest(workspace, whole.lines)
    assert _bytes(detect(workspace)) == whole.tables
