"""Killed at any point, the next run ends with the same ledger and the same graph.

Each stage is killed from where the one before it ended, so that a point costs the
stage alone. What the next run leaves is held against what an unbroken one left.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from graph.derived import Snapshot
from graph.detect import detect
from graph.publish import graph_hash, publish, run, stage
from graph.store import Address, Store
from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.graph.worlds import Event, made_events
from tests.torture.children import FORKED
from tests.torture.forms import forms

# Points of ingest and of detect, which know no database; points of publish on each.
KILLS_SHORT, KILLS_LONG = 2, 50
PUBLISH_SHORT, PUBLISH_LONG = 2, 100
ACCOUNTS, SMALL_BATCH, SEED = 40, 50, 3

_EMPTY = "MATCH (n) DETACH DELETE n"
_FILE_OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "fcntl")

Work = Callable[[], None]


@dataclass(frozen=True)
class Point:
    """Where work ends: at a file operation, or after so many seconds, or at its end."""

    operation: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Way:
    """Workspaces of an unbroken way, each as it was before the stage of its name."""

    folder: Path
    logs: Path

    def before(self, name: str, copy: Path) -> Path:
        """A copy of the workspace as it was before a stage."""
        return Path(shutil.copytree(self.folder / name, copy))

    def work(self, name: str, workspace: Path) -> Work:
        """A stage in a workspace."""
        logs = {"ingest": (self.logs,), "detect": ()}[name]
        return partial(STAGES[name], workspace, *logs)


def _ingest(workspace: Path, logs: Path) -> None:
    Ledger.open(Workspace.open(workspace)).ingest([logs])


def _detect(workspace: Path) -> None:
    detect(Workspace.open(workspace))


def _publish(
    workspace: Path, snapshot: Snapshot, database: Path, address: Address | None
) -> None:
    with Store(Workspace(database), address) as store:
        publish(Workspace.open(workspace), snapshot, store)


STAGES: dict[str, Callable[..., None]] = {"ingest": _ingest, "detect": _detect}


def _small_batches() -> None:
    """Many batches even of a small graph."""
    stage.BATCH = SMALL_BATCH
    setattr(run, "BATCH", SMALL_BATCH)  # noqa: B010 - it is that module's import


def _in_a_child(work: Work, point: Point, told: Path | None) -> None:
    """Work in a process of its own that is killed, or that tells what it did."""
    _small_batches()
    counted, began = 0, time.process_time()

    def count(event: str, _: object) -> None:
        nonlocal counted
        if event.startswith(_FILE_OPERATIONS):
            counted += 1
            if counted == point.operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    # Unhandled, this ends a process as SIGKILL does, be it inside a library's code.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, point.seconds)
    work()
    if told is None:
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        told.write_text(json.dumps([counted, time.process_time() - began]))


def _child(work: Work, point: Point, told: Path | None = None) -> int | None:
    process = FORKED.Process(target=_in_a_child, args=(work, point, told))
    process.start()
    process.join()
    return process.exitcode


def _kill(work: Work, point: Point) -> None:
    assert _child(work, point) in {-signal.SIGKILL, -signal.SIGPROF}


def _points(work: Work, cases: int, told: Path) -> list[Point]:
    """Points of work that is done once unbroken: file operations, moments of it."""
    assert _child(work, Point(), told) == 0
    operations, seconds = json.loads(told.read_text())
    draw = random.Random(SEED)  # noqa: S311 - a seed, so that a failure comes again
    return [
        Point(operation=draw.randrange(1, operations))
        if number % 2
        else Point(seconds=draw.uniform(0.01, seconds))
        for number in range(cases)
    ]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """The events of some accounts of a made world, a third of them taken in before."""
    folder = tmp_path_factory.mktemp("killed")
    events = made_events(folder / "world", 300, SEED)
    accounts = sorted({str(e["account_id"]) for e in events if "account_id" in e})
    some = set(random.Random(SEED).sample(accounts, ACCOUNTS))  # noqa: S311
    kept = [event for event in events if event.get("account_id") in some]
    held = _written(folder / "held.ndjson", kept[::3])
    logs = _written(folder / "logs.ndjson", kept)
    made = Way(folder, logs)
    _ingest(folder / "ingest", held)
    _detect(folder / "ingest")
    _ingest(made.before("ingest", folder / "detect"), logs)
    _detect(made.before("detect", folder / "publish"))
    return made


def _written(file: Path, events: list[Event]) -> Path:
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def _held(workspace: Path) -> dict[str, object]:
    """Every row of the ledger and every byte of the newest snapshot."""
    ledger = Ledger.open(Workspace.open(workspace))
    with ledger.connect() as connection:
        views = ("events", "identifiers", "vault_segments", "quarantine")
        rows = {v: connection.table(v).order("ALL").fetchall() for v in views}
    snapshot = Snapshot.current(ledger.workspace)
    tables = {file.name: file.read_bytes() for file in snapshot.folder.iterdir()}
    return {"fingerprint": ledger.fingerprint, **rows, **tables}


@forms(KILLS_SHORT, KILLS_LONG)
@pytest.mark.parametrize("name", ["ingest", "detect"])
def test_the_next_run_leaves_what_an_unbroken_one_does(
    cases: int, name: str, way: Way, tmp_path: Path
) -> None:
    unbroken = way.before(name, tmp_path / "unbroken")
    points = _points(way.work(name, unbroken), cases, tmp_path / "told")
    wanted = _held(unbroken)
    for number, point in enumerate(points):
        workspace = way.before(name, tmp_path / f"killed-{number}")
        work = way.work(name, workspace)
        _kill(work, point)
        work()
        assert _held(workspace) == wanted, point
        shutil.rmtree(workspace)


@forms(PUBLISH_SHORT, PUBLISH_LONG)
def test_the_next_publish_ends_with_the_same_graph(
    cases: int, store: Store, way: Way, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of four points two are of a first publish, two of changes to what is there."""
    for module in (stage, run):
        monkeypatch.setattr(module, "BATCH", SMALL_BATCH)
    workspace = way.before("publish", tmp_path / "workspace")
    newer = Snapshot.current(Workspace.open(workspace))
    older = Snapshot.current(Workspace.open(way.folder / "ingest"))
    works = [_of(store, workspace, one) for one in (older, newer)]
    store.run(_EMPTY, write=True)
    works[0]()
    wanted = [graph_hash(store)]
    changes = _points(works[1], cases, tmp_path / "changes")
    wanted.append(graph_hash(store))
    assert wanted[0] != wanted[1]
    store.run(_EMPTY, write=True)
    creations = _points(works[1], cases, tmp_path / "creations")
    assert graph_hash(store) == wanted[1]
    for number in range(cases):
        creates, now = number % 4 in {0, 3}, number % 4 != 1
        if creates:
            store.run(_EMPTY, write=True)
            shutil.rmtree(Workspace.open(workspace).database / "staged")
        point = (creations if creates else changes)[number]
        _kill(works[now], point)
        works[now]()
        assert graph_hash(store) == wanted[now], (point, creates)


def _of(store: Store, workspace: Path, snapshot: Snapshot) -> Work:
    address = store.address if store.engine == "neo4j" else None
    return partial(_publish, workspace, snapshot, store._workspace.root, address)
