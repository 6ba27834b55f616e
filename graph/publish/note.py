"""The publisher's note in the database: what it holds, and how far a run has come.

Batches are dealt to lanes that write side by side, each with its own counter. The
counter moves on in the transaction of each batch, so every batch is written exactly
once however often the publisher or the database is killed.
"""

from __future__ import annotations

from dataclasses import dataclass

from graph.publish import cypher
from graph.store import Store, Transaction
from ingest.errors import StoreError

_ID = "ringfence"
_READ = """
    MATCH (p:Publication {id: $id})
    RETURN p.digest AS digest, p.base AS base, p.mode AS mode, p.run AS run,
           p.done AS done
"""
_LANES = """
    MATCH (l:Publication)
    WHERE l.lane IS NOT NULL
    RETURN l.lane AS lane, l.written AS written
    ORDER BY lane
"""
_WRITE = """
    MERGE (p:Publication {id: $id})
    SET p.digest = $digest, p.base = $base, p.mode = $mode, p.run = $run, p.done = $done
"""
_CLEAR = "MATCH (l:Publication) WHERE l.lane IS NOT NULL DELETE l"
_OPEN = """
    UNWIND $lanes AS lane
    CREATE (:Publication {id: 'lane-' + toString(lane), lane: lane, written: 0,
                          digest: $digest, run: $run})
"""
_ADVANCE = """
    MATCH (l:Publication {id: $id})
    WHERE l.digest = $digest AND l.run = $run AND l.written = $written
    SET l.written = $written + 1
    RETURN count(l) AS held
"""
_WRITTEN = """
    MATCH (l:Publication {id: $id})
    RETURN l.digest AS digest, l.run AS run, l.written AS written
"""


@dataclass(frozen=True)
class Note:
    """One publishing run: from `base` (empty: unknown or nothing) to `digest`.

    `mode` is `create` (into an empty graph), `change` (what differs from `base`) or
    `merge` (over anything, then a sweep); `run` tags what this run writes; `written`
    has the number of batches that each lane has written.
    """

    digest: str
    base: str
    mode: str
    run: int
    written: tuple[int, ...] = (0,)
    done: bool = False

    def has(self, batch: int) -> bool:
        """Whether the batch of this number was written when the note was read."""
        lanes = len(self.written)
        return batch // lanes < self.written[batch % lanes]


def read(store: Store) -> Note | None:
    """The note in the database, or None where nothing was published."""
    rows = store.run(_READ, {"id": _ID})
    if not rows:
        return None
    written = tuple(int(str(lane["written"])) for lane in store.run(_LANES))
    return Note(written=written or (0,), **rows[0])  # type: ignore[arg-type]


def begin(store: Store, note: Note) -> None:
    """Replace the note and start its lanes at nothing."""

    def work(transaction: Transaction) -> None:
        _put(transaction, note, done=False)
        transaction.run(_CLEAR)
        lanes = list(range(len(note.written)))
        given = {"lanes": lanes, "digest": note.digest, "run": note.run}
        transaction.run(_OPEN, given)

    store.transact(work)


def finish(store: Store, note: Note) -> None:
    """Say that the graph is what `note.digest` names."""
    store.transact(lambda transaction: _put(transaction, note, done=True))


def _put(transaction: Transaction, note: Note, *, done: bool) -> None:
    given = {
        "id": _ID,
        "digest": note.digest,
        "base": note.base,
        "mode": note.mode,
        "run": note.run,
        "done": done,
    }
    transaction.run(_WRITE, given)


def advance(transaction: Transaction, note: Note, batch: int) -> bool:
    """Count `batch` as written by this transaction; False if it already is.

    Raises `StoreError` when the note is another run's by now.
    """
    lanes = len(note.written)
    place, lane = batch // lanes, {"id": f"lane-{batch % lanes}"}
    ours = {"digest": note.digest, "run": note.run}
    if transaction.run(_ADVANCE, {**lane, **ours, "written": place})[0]["held"]:
        return True
    if transaction.run(_WRITTEN, lane) != [{**ours, "written": place + 1}]:
        raise StoreError(
            "another workspace publishes to this graph database: give each its own"
        )
    return False


def newest_run(store: Store) -> int:
    """The highest run tag in the graph, 0 where there is none; reads everything."""
    found = [store.run(text)[0]["run"] for text in cypher.NEWEST_RUNS]
    return max((run for run in found if isinstance(run, int)), default=0)
