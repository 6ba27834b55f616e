"""The same events give the same bytes: in any order or batches, twice, in any room."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.shape import Shape
from demo.world import make
from graph.derived import TABLES, Snapshot
from graph.detect import detect
from ingest.ledger import Ledger
from ingest.workspace import Workspace


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


def test_little_room_changes_nothing(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_MEMORY", "100MB")
    monkeypatch.setenv("RINGFENCE_THREADS", "1")
    workspace = Workspace.open(whole.folder / "tight")
    _ingest(workspace, whole.lines)
    assert _bytes(detect(workspace)) == whole.tables
