"""Killed at any point, the next run ends with the same ledger and the same graph."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from graph.detect import detect
from graph.publish import graph_hash, publish, run, stage
from graph.store import Address, Store
from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.graph.worlds import Event, made_events
from tests.torture.forms import forms

# Points for each database.
KILLS_SHORT, KILLS_LONG = 2, 200
ACCOUNTS, SMALL_BATCH, SEED = 40, 50, 3

_EMPTY = "MATCH (n) DETACH DELETE n"
_FILE_OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "fcntl")
_processes = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Place:
    """What a run works with: the logs, its workspace, and the database to fill."""

    logs: Path
    workspace: Path
    address: Address | None
    database: Path


@dataclass(frozen=True)
class Point:
    """Where a run ends: at a file operation, or after so many seconds of work."""

    operation: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Ended:
    """What must be the same however often a run was killed."""

    fingerprint: str
    graph: str


def whole_run(place: Place) -> None:
    """Ingest, detect and publish, in batches so small that there are many."""
    workspace = Workspace.open(place.workspace)
    Ledger.open(workspace).ingest([place.logs])
    snapshot = detect(workspace)
    with Store(Workspace(place.database), place.address) as store:
        publish(workspace, snapshot, store)


def _in_a_child(place: Place, point: Point, told: Path | None = None) -> None:
    """The run in a process of its own, which ends at a point of its work."""
    stage.BATCH = SMALL_BATCH
    setattr(run, "BATCH", SMALL_BATCH)  # noqa: B010 - it is that module's import
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
    whole_run(place)
    if told is not None:
        told.write_text(json.dumps([counted, time.process_time() - began]))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The events of some accounts of a made world, thieves among them."""
    folder = tmp_path_factory.mktemp("killed")
    events = made_events(folder / "world", 300, SEED)
    accounts = sorted({str(e["account_id"]) for e in events if "account_id" in e})
    some = set(random.Random(SEED).sample(accounts, ACCOUNTS))  # noqa: S311
    file = folder / "events.ndjson"
    kept = [event for event in events if _of(event, some)]
    file.write_text("".join(json.dumps(event) + "\n" for event in kept))
    return file


def _of(event: Event, accounts: set[str]) -> bool:
    return event.get("account_id") in accounts


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches even of a small graph, here and in the children."""
    monkeypatch.setattr(stage, "BATCH", SMALL_BATCH)
    monkeypatch.setattr(run, "BATCH", SMALL_BATCH)
    _processes.set_forkserver_preload(["graph.detect", "graph.publish", "graph.store"])


def _ended(place: Place, store: Store) -> Ended:
    ledger = Ledger.open(Workspace.open(place.workspace))
    return Ended(ledger.fingerprint, graph_hash(store))


@forms(KILLS_SHORT, KILLS_LONG)
def test_the_next_run_ends_as_if_nothing_had_happened(
    cases: int, store: Store, logs: Path, small_batches: None, tmp_path: Path
) -> None:
    address = store.address if store.engine == "neo4j" else None

    def place(name: str) -> Place:
        return Place(logs, tmp_path / name, address, store._workspace.root)

    told = tmp_path / "operations"
    assert _child(place("whole"), Point(), told) == 0
    wanted = _ended(place("whole"), store)
    operations, seconds = json.loads(told.read_text())
    draw = random.Random(SEED)  # noqa: S311 - a seed, so that a failure comes again
    for number in range(cases):
        store.run(_EMPTY, write=True)
        at = place(f"killed-{number}")
        point = (
            Point(operation=draw.randrange(1, operations))
            if number % 2
            else Point(seconds=draw.uniform(0.01, 0.95 * seconds))
        )
        assert _child(at, point) in {-signal.SIGKILL, -signal.SIGPROF}
        whole_run(at)
        assert _ended(at, store) == wanted, point
        shutil.rmtree(at.workspace)


def _child(place: Place, point: Point, told: Path | None = None) -> int | None:
    process = _processes.Process(target=_in_a_child, args=(place, point, told))
    process.start()
    process.join()
    return process.exitcode
