"""Loading a snapshot's graph: ours, and what anyone would write first.

Run as `python -m benchmarks.publishing METHOD FROM TO ROWS`: writes the snapshot of
workspace FROM to the database that the environment names, else the embedded one of
workspace TO. `plain` writes ROWS relationships by `UNWIND … MERGE`, `ringfence` all
there are. Prints one JSON line: relationships, seconds without the start of the
database, peak memory of the database.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from graph.derived import Snapshot
from graph.publish import publish
from graph.store import Store, Transaction
from ingest.workspace import Workspace

_BATCH = 10_000
_CONSTRAINTS = (
    "CREATE CONSTRAINT IF NOT EXISTS FOR (a:Account) REQUIRE a.id IS UNIQUE",
    "CREATE CONSTRAINT IF NOT EXISTS FOR (i:Identifier) REQUIRE i.id IS UNIQUE",
)
_MERGE = """
    UNWIND $rows AS row
    MERGE (a:Account {id: row.account_id})
    MERGE (i:Identifier {id: row.identifier})
    MERGE (a)-[r:USED]->(i)
    SET r.first_seen = row.first_seen, r.last_seen = row.last_seen,
        r.count = row.count, r.tokens = row.tokens, r.cost_usd = row.cost_usd
"""
_ROWS = """
    SELECT account_id, kind || ':' || identifier AS identifier,
           first_seen::TIMESTAMPTZ AS first_seen, last_seen::TIMESTAMPTZ AS last_seen,
           count, tokens, cost_usd
    FROM observations ORDER BY account_id, kind, identifier LIMIT ?
"""

Load = Callable[[Workspace, Snapshot, Store, int], int]


def ringfence(target: Workspace, snapshot: Snapshot, store: Store, _: int) -> int:
    """Publish the whole graph; how many relationships that wrote."""
    return publish(target, snapshot, store).relationships_written


def plain(_: Workspace, snapshot: Snapshot, store: Store, rows: int) -> int:
    """Merge the first `rows` observations, in batches of ten thousand."""
    with snapshot.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.sql(_ROWS, params=[rows]).to_arrow_table()
    for text in _CONSTRAINTS:
        store.run(text, write=True)
    for batch in table.to_batches(max_chunksize=_BATCH):
        _merge(store, batch.to_pylist())
    written: int = table.num_rows
    return written


def _merge(store: Store, rows: list[dict[str, object]]) -> None:
    def work(transaction: Transaction) -> None:
        transaction.run(_MERGE, {"rows": rows})

    store.transact(work)


METHODS: dict[str, Load] = {"ringfence": ringfence, "plain": plain}


def main(method: str, source: Workspace, target: Workspace, rows: int) -> None:
    """Load by one method into an open database and print its figures."""
    snapshot = Snapshot.current(source)
    with Store.open(target) as store:
        begun = time.perf_counter()
        written = METHODS[method](target, snapshot, store, rows)
        told = {
            "relationships": written,
            "loading_seconds": time.perf_counter() - begun,
            "database_mb": _database_mb(target),
        }
    sys.stdout.write(json.dumps(told) + "\n")


def _database_mb(workspace: Workspace) -> float:
    """The database's largest resident set so far; 0 where its process is not known."""
    notes = (workspace.database / "server.json", workspace.root / "neo4j/server.json")
    note = next((note for note in notes if note.exists()), None)
    if note is None:
        return 0.0
    status = Path("/proc", str(json.loads(note.read_text())["pid"]), "status")
    lines = status.read_text().split("\n") if status.exists() else []
    peak = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peak[0]) / 1024 if peak else 0.0


if __name__ == "__main__":
    main(
        sys.argv[1],
        Workspace.open(Path(sys.argv[2])),
        Workspace.open(Path(sys.argv[3])),
        int(sys.argv[4]),
    )
