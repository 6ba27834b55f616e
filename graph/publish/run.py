"""One publishing run: choose how, write the batches, sweep, note that it is done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import duckdb

from graph.derived import Snapshot
from graph.publish import cypher, note, stage, steps
from graph.publish.note import Note
from graph.publish.stage import BATCH, Staged
from graph.publish.steps import Step
from graph.store import Store, StoreDownError, Transaction
from ingest.progress import Progress, Report, silent
from ingest.workspace import Resources, Workspace

Rows = list[tuple[object, ...]]

# Neo4j writes side by side; the embedded database would refuse one of two.
_LANES = {"neo4j": 2, "embedded": 1}
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
    """Rows so far, of `total` or of nobody knows how many."""

    progress: Progress
    total: int | None
    nodes: int = 0
    relationships: int = 0
    removed: int = 0

    def add(self, step: Step, rows: int) -> None:
        if step.removes:
            self.removed += rows
        elif step.is_node:
            self.nodes += rows
        else:
            self.relationships += rows
        self.tell(step.name)

    def tell(self, detail: str) -> None:
        done = self.nodes + self.relationships + self.removed
        self.progress(Report("publishing", done, self.total, "rows", detail))


def publish(
    workspace: Workspace,
    snapshot: Snapshot,
    store: Store,
    progress: Progress = silent,
    *,
    full: bool = False,
) -> Published:
    """Make the database hold the graph of `snapshot`.

    `full` writes every row again and sweeps, whatever the database says it holds.
    Raises `BusyError` while another process publishes from this workspace, and
    `StoreError` when the database refuses or stays silent for two minutes.
    """
    with workspace.lock("publish"):
        progress(Report("staging the rows"))
        staged = stage.stage(workspace, snapshot)
        for text in cypher.constraints():
            store.run(text, write=True)
        known = note.read(store)
        if known and known.done and known.digest == staged.digest and not full:
            return Published("nothing", 0, 0, 0)
        todo = _resumed(workspace, known, staged, full=full) or _begun(
            workspace, store, known, staged, full=full
        )
        return _write(store, staged, stage.at(workspace, todo.base), todo, progress)


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
    base, mode = "", "merge"
    if known is None:
        newest = note.newest_run(store)
        mode = "merge" if newest else "create"
    else:
        newest = known.run
        if known.done and not full and stage.at(workspace, known.digest):
            base, mode = known.digest, "change"
    begun = Note(staged.digest, base, mode, newest + 1, lanes_of(store))
    note.begin(store, begun)
    return begun


def lanes_of(store: Store) -> tuple[int, ...]:
    """The lanes of a run on this database, with nothing written yet."""
    return (0,) * _LANES[store.engine]


def _write(
    store: Store, staged: Staged, base: Staged | None, todo: Note, progress: Progress
) -> Published:
    if todo.mode == "change" and base is not None:
        planned, total = list(steps.write_changes(base, staged)), None
    else:
        planned = list(steps.write_all(staged, new=todo.mode == "create"))
        total = staged.size
    tally = _Tally(progress, total)
    _write_steps(store, todo, planned, tally)
    if todo.mode == "merge":
        tally.removed += _sweep(store, todo.run)
    note.finish(store, todo)
    return Published(todo.mode, tally.nodes, tally.relationships, tally.removed)


def _write_steps(store: Store, todo: Note, planned: list[Step], tally: _Tally) -> None:
    """Each stage of the plan only when the one before is in; batches side by side."""
    first = 0
    with open_reader() as reader, ThreadPoolExecutor(len(todo.written)) as lanes:
        for suspicious, stages in groupby(planned, lambda step: step.suspicious):
            for _, together in groupby(stages, lambda step: step.stage):
                numbered = enumerate(_all_batches(reader, together), first)
                for step, rows, number in _dealt(lanes, store, todo, numbered):
                    tally.add(step, rows)
                    first = number + 1
            if suspicious:
                tally.tell("the suspicious clusters are in")


def _all_batches(
    reader: duckdb.DuckDBPyConnection, planned: Iterable[Step]
) -> Iterator[tuple[Step, Rows]]:
    for step in planned:
        for rows in batches(reader, step):
            yield step, rows


def _dealt(
    lanes: ThreadPoolExecutor,
    store: Store,
    todo: Note,
    numbered: Iterable[tuple[int, tuple[Step, Rows]]],
) -> Iterator[tuple[Step, int, int]]:
    """Write the batches not yet written; yields step, rows and number as they end.

    A batch starts when the one before it in its lane has ended, one of a step that
    is `alone` when all have.
    """
    running: deque[tuple[Future[None], Step, int, int]] = deque()
    for number, (step, rows) in numbered:
        beside = not (step.alone or (running and running[-1][1].alone))
        while len(running) >= (len(todo.written) if beside else 1):
            yield _ended(running.popleft())
        if todo.has(number):
            written: Future[None] = Future()
            written.set_result(None)
        else:
            written = lanes.submit(_write_batch, store, todo, number, step, rows)
        running.append((written, step, len(rows), number))
    while running:
        yield _ended(running.popleft())


def _ended(batch: tuple[Future[None], Step, int, int]) -> tuple[Step, int, int]:
    batch[0].result()
    return batch[1:]


@contextmanager
def open_reader() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads staged files within the run's share of the machine."""
    resources = Resources.from_environment()
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = ?", [resources.memory])
        connection.execute("SET threads = ?", [resources.threads])
        yield connection


def batches(connection: duckdb.DuckDBPyConnection, step: Step) -> Iterator[Rows]:
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
