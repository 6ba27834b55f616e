"""One publishing run: choose how, write the batches, sweep, say it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from graph.derived import Snapshot
from graph.publish import cypher, note, stage, steps
from graph.publish.note import Note
from graph.publish.stage import BATCH, Staged
from graph.publish.steps import Step
from graph.store import Store, StoreDownError, Transaction
from ingest.workspace import Resources, Workspace

Say = Callable[[str], None]
Rows = list[tuple[object, ...]]

_SAY_EVERY_SECONDS = 2.0
# A database that is being restarted comes back; one that is gone does not.
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Published:
    """What one run did: how (`Note.mode`, or `nothing`), and rows of each sort."""

    mode: str
    nodes_written: int
    relationships_written: int
    removed: int


@dataclass
class _Tally:
    """Rows so far, and when they were last told."""

    say: Say
    nodes: int = 0
    relationships: int = 0
    removed: int = 0
    told: float = field(default_factory=time.monotonic)

    def add(self, step: Step, rows: int) -> None:
        if step.removes:
            self.removed += rows
        elif step.is_node:
            self.nodes += rows
        else:
            self.relationships += rows
        if time.monotonic() - self.told >= _SAY_EVERY_SECONDS:
            self.told = time.monotonic()
            self.say(
                f"published {self.nodes:,} nodes and {self.relationships:,} "
                f"relationships, now at {step.name}"
            )


def publish(
    workspace: Workspace,
    snapshot: Snapshot,
    store: Store,
    say: Say = lambda _: None,
    *,
    full: bool = False,
) -> Published:
    """Make the database hold the graph of `snapshot`; `say` hears of the progress.

    `full` writes every row again and sweeps, whatever the database says it holds.
    Raises `BusyError` while another process publishes from this workspace, and
    `StoreError` when the database refuses or stays silent for two minutes.
    """
    with workspace.lock("publish"):
        staged = stage.stage(workspace, snapshot)
        for text in cypher.constraints():
            store.run(text, write=True)
        known = note.read(store)
        if known and known.done and known.digest == staged.digest and not full:
            return Published("nothing", 0, 0, 0)
        todo = _resumed(workspace, known, staged, full=full) or _begun(
            workspace, store, known, staged, full=full
        )
        return _write(store, staged, stage.at(workspace, todo.base), todo, say)


def _resumed(
    workspace: Workspace, known: Note | None, staged: Staged, *, full: bool
) -> Note | None:
    """The unfinished run to go on with: it was about the same rows."""
    if known is None or known.done or known.digest != staged.digest:
        return None
    if full and known.mode != "merge":
        return None
    lost = known.mode == "change" and stage.at(workspace, known.base) is None
    return None if lost else known


def _begun(
    workspace: Workspace,
    store: Store,
    known: Note | None,
    staged: Staged,
    *,
    full: bool,
) -> Note:
    """A new run, noted in the database before it writes anything."""
    if known is None:
        newest = note.newest_run(store)
        begun = Note(staged.digest, "", "merge" if newest else "create", newest + 1)
    elif known.done and not full and stage.at(workspace, known.digest):
        begun = Note(staged.digest, known.digest, "change", known.run + 1)
    else:
        begun = Note(staged.digest, "", "merge", known.run + 1)
    note.write(store, begun)
    return begun


def _write(
    store: Store, staged: Staged, base: Staged | None, todo: Note, say: Say
) -> Published:
    if todo.mode == "change" and base is not None:
        planned = list(steps.write_changes(base, staged))
    else:
        planned = list(steps.write_all(staged, new=todo.mode == "create"))
    tally = _Tally(say)
    _write_steps(store, todo, planned, tally)
    if todo.mode == "merge":
        tally.removed += _sweep(store, todo.run)
    note.finish(store, todo)
    return Published(todo.mode, tally.nodes, tally.relationships, tally.removed)


def _write_steps(store: Store, todo: Note, planned: list[Step], tally: _Tally) -> None:
    batch = 0
    waiting = any(step.suspicious for step in planned)
    with _reader() as connection:
        for step in planned:
            if waiting and not step.suspicious:
                waiting = False
                tally.say("the suspicious clusters are in; the rest follows")
            for rows in _batches(connection, step):
                if batch >= todo.batch:
                    _write_batch(store, todo, batch, step, rows)
                    tally.add(step, len(rows))
                batch += 1


@contextmanager
def _reader() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads staged files within the run's share of the machine."""
    resources = Resources.from_environment()
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = ?", [resources.memory])
        connection.execute("SET threads = ?", [resources.threads])
        yield connection


def _batches(connection: duckdb.DuckDBPyConnection, step: Step) -> Iterator[Rows]:
    """The rows of a step; the next batch is read while one is being written."""
    named = dict(zip(("new", "old"), step.files, strict=False))
    connection.execute(step.rows, named)
    with ThreadPoolExecutor(1) as ahead:
        rows: Rows = connection.fetchmany(BATCH)
        while rows:
            following = ahead.submit(connection.fetchmany, BATCH)
            yield rows
            rows = following.result()


def _write_batch(store: Store, todo: Note, batch: int, step: Step, rows: Rows) -> None:
    """Write one batch once; waits for a database that is away for a while."""

    def work(transaction: Transaction) -> None:
        if note.advance(transaction, todo, batch):
            transaction.run(step.text, {"rows": rows, "run": todo.run})

    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return store.transact(work)
        except StoreDownError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(1)


def _sweep(store: Store, run: int) -> int:
    """Delete what earlier runs wrote and this one did not; how much that was."""
    swept = 0
    for text in cypher.SWEEPS:
        found = BATCH
        while found == BATCH:
            rows = store.run(text, {"run": run, "limit": BATCH}, write=True)
            found = int(str(rows[0]["swept"]))
            swept += found
    return swept
