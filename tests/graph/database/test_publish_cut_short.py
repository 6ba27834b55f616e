"""Publishing that was ended, answered late or crowded: the next run mends the graph."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.publish import graph_hash, note, publish, run, stage, steps
from graph.store import Address, Store, Transaction
from ingest.errors import BusyError, StoreError
from ingest.workspace import Workspace
from tests.graph.database.published import COUNTS, EMPTY, CutError, World, afresh, told


def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "BATCH", 7)
    monkeypatch.setattr(run, "BATCH", 7)


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("later", [False, True], ids=["first load", "change"])
def test_cut_short_it_goes_on_where_it_stopped(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch, at: int, later: bool
) -> None:
    _small_batches(monkeypatch)
    if later:
        publish(world.workspace, world.first(), store)
    snapshot = world.later()
    with monkeypatch.context() as patch:
        patch.setattr(run, "_write_batch", _cut_at(at, before=at % 2 == 0))
        with pytest.raises(CutError):
            publish(world.workspace, snapshot, store)
    publish(world.workspace, snapshot, store)
    mended = graph_hash(store)
    assert mended == afresh(world.workspace, snapshot, store)


def _cut_at(at: int, *, before: bool) -> Callable[..., None]:
    """`run._write_batch` that ends at the batch `at`, before or after it is written."""
    whole = run._write_batch

    def cut(store: Store, todo: note.Note, batch: int, *rest: object) -> None:
        if batch == at and before:
            raise CutError
        whole(store, todo, batch, *rest)  # type: ignore[arg-type]
        if batch == at:
            raise CutError

    return cut


def test_a_batch_whose_answer_was_lost_is_written_once(
    store: Store, world: World
) -> None:
    staged = stage.stage(world.workspace, world.first())
    todo = note.Note(staged.digest, "", "create", 1)
    note.begin(store, todo)
    step = next(steps.write_all(staged, new=True))
    with run.open_reader() as reader:
        rows = next(run.batches(reader, step))
    for _ in range(2):
        run._write_batch(store, todo, 0, step, rows)
    assert told(store, COUNTS) == {"Account": len(rows)}


def test_another_publisher_in_between_is_noticed(store: Store, world: World) -> None:
    todo = note.Note("digest", "", "create", 1)
    note.begin(store, note.Note("other", "", "create", 2))

    def work(transaction: Transaction) -> bool:
        return note.advance(transaction, todo, 0)

    with pytest.raises(StoreError, match="another workspace publishes"):
        store.transact(work)


def test_one_publisher_at_a_time(world: World, embedded_store: Store) -> None:
    with world.workspace.lock("publish"), pytest.raises(BusyError):
        publish(world.workspace, world.first(), embedded_store)


_PUBLISHER = """
import sys, time
from pathlib import Path
from graph.derived import Snapshot
from graph.publish import publish, run, stage
from graph.store import Address, Store
from ingest.workspace import Workspace
stage.BATCH = run.BATCH = 7
workspace = Workspace.open(Path(sys.argv[1]))
with Store(workspace, Address(*sys.argv[2:6])) as store:
    publish(workspace, Snapshot.current(workspace), store)
"""


def _publisher(workspace: Workspace, address: Address) -> subprocess.Popen[bytes]:
    given = (address.uri, address.user, str(address.password), address.database)
    room = str(Path(__file__).parents[3])
    return subprocess.Popen(
        [sys.executable, "-c", _PUBLISHER, str(workspace.root), *given],
        env=os.environ | {"PYTHONPATH": room},
    )


def _kill_after(store: Store, publisher: subprocess.Popen[bytes], batches: int) -> None:
    for _ in itertools.count():
        known = note.read(store)
        if (known and (sum(known.written) >= batches or known.done)) or (
            publisher.poll() is not None
        ):
            break
        time.sleep(0.01)
    publisher.send_signal(signal.SIGKILL)
    publisher.wait()


def test_killed_it_ends_with_the_same_graph(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_batches(monkeypatch)
    snapshot = world.first()
    _kill_after(store, _publisher(world.workspace, store.address), batches=9)
    cut = note.read(store)
    assert cut is not None
    assert not cut.done
    publish(world.workspace, snapshot, store)
    mended = graph_hash(store)
    assert mended == afresh(world.workspace, snapshot, store)


@pytest.mark.torture
def test_killed_at_many_points(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_batches(monkeypatch)
    wanted = afresh(world.workspace, world.later(), store)
    for batches in range(0, 50, 2):
        store.run(EMPTY, write=True)
        publish(world.workspace, world.first(), store)
        snapshot = world.later()
        _kill_after(store, _publisher(world.workspace, store.address), batches)
        publish(world.workspace, snapshot, store)
        assert graph_hash(store) == wanted
