"""The publisher's note in the database: what it holds, and how far a run has come.

The note moves on in the transaction of each batch, so every batch is written exactly
once however often the publisher or the database is killed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from graph.publish import cypher
from graph.store import Store, Transaction
from ingest.errors import StoreError

_ID = "ringfence"
_READ = """
    MATCH (p:Publication {id: $id})
    RETURN p.digest AS digest, p.base AS base, p.mode AS mode, p.run AS run,
           p.batch AS batch, p.done AS done
"""
_WRITE = """
    MERGE (p:Publication {id: $id})
    SET p.digest = $digest, p.base = $base, p.mode = $mode, p.run = $run,
        p.batch = $batch, p.done = $done
"""
_ADVANCE = """
    MATCH (p:Publication {id: $id})
    WHERE p.digest = $digest AND p.run = $run AND p.batch = $batch
    SET p.batch = $batch + 1
    RETURN count(p) AS held
"""


@dataclass(frozen=True)
class Note:
    """One publishing run: from `base` (empty: unknown or nothing) to `digest`.

    `mode` is `create` (into an empty graph), `change` (what differs from `base`) or
    `merge` (over anything, then a sweep); `batch` counts the batches written, `run`
    tags what this run writes.
    """

    digest: str
    base: str
    mode: str
    run: int
    batch: int = 0
    done: bool = False


def read(store: Store) -> Note | None:
    """The note in the database, or None where nothing was published."""
    rows = store.run(_READ, {"id": _ID})
    return Note(**rows[0]) if rows else None  # type: ignore[arg-type]


def write(store: Store, note: Note) -> None:
    """Replace the note."""
    parameters = {"id": _ID, **asdict(note)}
    store.transact(lambda tx: tx.run(_WRITE, parameters))


def finish(store: Store, note: Note) -> None:
    """Say that the graph is what `note.digest` names."""
    write(store, replace(note, done=True))


def advance(transaction: Transaction, note: Note, batch: int) -> bool:
    """Count `batch` as written by this transaction; False if it already is.

    Raises `StoreError` when the note is another run's by now.
    """
    where = {"id": _ID, "digest": note.digest, "run": note.run, "batch": batch}
    if transaction.run(_ADVANCE, where)[0]["held"]:
        return True
    rows = transaction.run(_READ, {"id": _ID})
    ours = rows and (rows[0]["digest"], rows[0]["run"]) == (note.digest, note.run)
    if not ours or rows[0]["batch"] != batch + 1:
        raise StoreError(
            "another workspace publishes to this graph database: give each its own"
        )
    return False


def newest_run(store: Store) -> int:
    """The highest run tag in the graph, 0 where there is none; reads everything."""
    found = [store.run(text)[0]["run"] for text in cypher.NEWEST_RUNS]
    return max((run for run in found if isinstance(run, int)), default=0)
