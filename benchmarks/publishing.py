"""Loading a snapshot's graph: ours, and what anyone would write first.

Run as `python -m benchmarks.publishing METHOD FROM TO ROWS`: writes the snapshot of
workspace FROM to the database that the environment names, else the embedded one of
workspace TO. `plain` writes ROWS relationships by `UNWIND … MERGE`, `ringfence` all
there are over the driver, `import` the same by the offline importer. `change` loads
all, then publishes a later snapshot in which many relationships have one event more,
and then merges the same rows plainly. Prints one JSON line: relationships, seconds
without the first start of the database (`change`: of the later snapshot alone), peak
memory of the database.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from graph.derived import Snapshot
from graph.publish import publish, publish_offline
from graph.store import Store, Transaction
from ingest.workspace import Workspace

_BATCH = 10_000
_CHANGED_RELATIONSHIPS = 90_000
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

_CHANGED = """
    CREATE TEMP TABLE changed AS
    SELECT account_id, kind, identifier FROM observations WHERE kind = 'ip'
    ORDER BY hash(account_id, identifier), account_id, identifier LIMIT ?
"""
_LATER = """
    SELECT o.* REPLACE (
        o.count + (c.kind IS NOT NULL)::INTEGER AS count,
        CASE WHEN c.kind IS NULL THEN o.last_seen
             ELSE o.last_seen + INTERVAL 1 HOUR END AS last_seen)
    FROM observations o LEFT JOIN changed c USING (account_id, kind, identifier)
    ORDER BY ALL
"""
_MERGE_CHANGED = """
    UNWIND $rows AS row
    MERGE (a:Account {id: row.account_id})
    MERGE (i:IP {id: row.identifier})
    MERGE (a)-[r:USED_IP]->(i)
    SET r.last_seen = row.last_seen, r.count = row.count
"""
_CHANGED_ROWS = """
    SELECT account_id, identifier, last_seen::TIMESTAMPTZ AS last_seen, count
    FROM observations SEMI JOIN changed USING (account_id, kind, identifier)
    ORDER BY account_id, identifier
"""

Told = Mapping[str, float]
Load = Callable[[Workspace, Snapshot, int], Told]


def ringfence(target: Workspace, snapshot: Snapshot, _: int) -> Told:
    """Publish the whole graph over the driver."""
    with Store.open(target) as store:
        begun = time.perf_counter()
        written = publish(target, snapshot, store).relationships_written
        return _figures(written, begun)


def offline(target: Workspace, snapshot: Snapshot, _: int) -> Told:
    """Publish the whole graph by the importer; the server stops and starts in it."""
    begun = time.perf_counter()
    return _figures(publish_offline(target, snapshot).relationships_written, begun)


def plain(target: Workspace, snapshot: Snapshot, rows: int) -> Told:
    """Merge the first `rows` observations, in batches of ten thousand."""
    with snapshot.connect() as connection, Store.open(target) as store:
        connection.execute("SET TimeZone = 'UTC'")
        begun = time.perf_counter()
        table = connection.sql(_ROWS, params=[rows]).to_arrow_table()
        for text in _CONSTRAINTS:
            store.run(text, write=True)
        return _figures(_merge_all(store, _MERGE, table), begun)


def change(target: Workspace, snapshot: Snapshot, _: int) -> Told:
    """Publish what a batch of new events changed, then merge the same rows plainly."""
    folder = target.root / "later"
    shutil.copytree(snapshot.folder, folder)
    with snapshot.connect() as connection, Store.open(target) as store:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_CHANGED, [_CHANGED_RELATIONSHIPS])
        later = folder / "observations.parquet"
        connection.sql(_LATER).write_parquet(str(later), compression="zstd")
        table = connection.sql(_CHANGED_ROWS).to_arrow_table()
        publish(target, snapshot, store)
        begun = time.perf_counter()
        done = publish(target, replace(snapshot, folder=folder), store)
        told = _figures(done.relationships_written, begun)
        begun = time.perf_counter()
        _merge_all(store, _MERGE_CHANGED, table)
    return {**told, "plain_seconds": time.perf_counter() - begun}


def _figures(relationships: int, begun: float) -> Told:
    return {
        "relationships": relationships,
        "loading_seconds": time.perf_counter() - begun,
    }


def _merge_all(store: Store, text: str, table: pa.Table) -> int:
    for batch in table.to_batches(max_chunksize=_BATCH):
        _merge(store, text, batch.to_pylist())
    written: int = table.num_rows
    return written


def _merge(store: Store, text: str, rows: list[dict[str, object]]) -> None:
    def work(transaction: Transaction) -> None:
        transaction.run(text, {"rows": rows})

    store.transact(work)


METHODS: dict[str, Load] = {
    "ringfence": ringfence,
    "import": offline,
    "plain": plain,
    "change": change,
}


def main(method: str, source: Workspace, target: Workspace, rows: int) -> None:
    """Load by one method into a database and print its figures."""
    told = METHODS[method](target, Snapshot.current(source), rows)
    figures = {**told, "database_mb": _database_mb(target)}
    sys.stdout.write(json.dumps(figures) + "\n")


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
