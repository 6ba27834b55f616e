"""The rows of every label and relationship type, staged as Parquet files.

A staged folder is named by the digest of what it was made from, so a crashed publish
finds the very same rows again, and two of them tell what changed in between.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from graph.derived import TABLES, Snapshot
from graph.model import (
    LABEL_OF_KIND,
    NODES,
    NOT_IDENTIFIERS,
    RELATIONSHIPS,
    Node,
    Property,
    Relationship,
)
from ingest.workspace import Workspace

# Rows to a transaction: larger ones gain nothing and hold more memory.
BATCH = 10_000
_KEPT_FOLDERS = 3

# An index key may not pass 8 kB in Neo4j, a property 64 kB in the embedded database;
# the ledger keeps the whole text. A cut id carries the digest of what it stands for.
_MACROS = (
    """CREATE OR REPLACE TEMP MACRO graph_id(x) AS CASE WHEN strlen(x) > 512
       THEN left(x, 100) || '…' || sha256(x) ELSE x END""",
    "CREATE OR REPLACE TEMP MACRO graph_text(x) AS left(x, 2000)",
    "CREATE OR REPLACE TEMP MACRO graph_list(x) AS from_json(x, '[\"VARCHAR\"]')",
)

# What people look at first: whatever a verdict suspects, and all it touches.
_HOT = (
    """CREATE OR REPLACE TEMP TABLE hot_accounts AS
       SELECT account_id FROM accounts a
       WHERE action <> 'none'
          OR cluster_id IN (SELECT cluster_id FROM clusters WHERE action <> 'none')
          OR account_id IN (SELECT account_id FROM keys WHERE action <> 'none')""",
    """CREATE OR REPLACE TEMP TABLE hot_keys AS
       SELECT key_id FROM keys k
       WHERE action <> 'none' OR account_id IN (SELECT account_id FROM hot_accounts)""",
    """CREATE OR REPLACE TEMP TABLE hot_tenants AS
       SELECT tenant_id FROM tenants
       WHERE action <> 'none'
          OR tenant_id IN (SELECT identifier FROM observations
                           JOIN hot_accounts USING (account_id) WHERE kind = 'tenant')
          OR tenant_id IN (SELECT tenant_id FROM keys JOIN hot_keys USING (key_id))""",
    """CREATE OR REPLACE TEMP TABLE hot_identifiers AS
       SELECT kind, identifier FROM observations JOIN hot_accounts USING (account_id)
       UNION
       SELECT kind, identifier FROM key_observations JOIN hot_keys USING (key_id)""",
)

_IDENTIFIERS = """
    CREATE OR REPLACE TEMP TABLE graph_identifiers AS
    WITH used AS (
        SELECT kind, identifier, min(first_seen) AS first_seen,
               max(last_seen) AS last_seen
        FROM key_observations GROUP BY kind, identifier
    ), known AS (
        SELECT kind, identifier, i.masked, i.class, i.domain, i.asn, i.country,
               coalesce(i.accounts, 0) AS accounts, i.score,
               coalesce(i.links, FALSE) AS links,
               least(i.first_seen, u.first_seen) AS first_seen,
               greatest(i.last_seen, u.last_seen) AS last_seen
        FROM identifiers i FULL JOIN used u USING (kind, identifier)
        WHERE kind NOT IN (SELECT unnest(?::VARCHAR[]))
    )
    SELECT k.*, coalesce(l.label, 'Identifier') AS label,
           CASE WHEN l.label IS NULL THEN k.kind || ':' || k.identifier
                ELSE k.identifier END AS id,
           h.identifier IS NOT NULL AS hot
    FROM known k
    LEFT JOIN kind_labels l USING (kind)
    LEFT JOIN hot_identifiers h USING (kind, identifier)
"""

_REST = (
    """CREATE OR REPLACE TEMP TABLE graph_kinds AS
       SELECT DISTINCT kind FROM graph_identifiers WHERE label = 'Identifier'""",
    """CREATE OR REPLACE TEMP VIEW graph_domains AS
       SELECT domain AS id, min(class) AS class, count(*) AS emails,
              sum(accounts)::BIGINT AS accounts, min(first_seen) AS first_seen,
              max(last_seen) AS last_seen, bool_or(hot) AS hot
       FROM graph_identifiers WHERE label = 'Email' AND domain <> '' GROUP BY domain""",
    """CREATE OR REPLACE TEMP VIEW graph_members AS
       SELECT account_id AS start_id, identifier AS end_id, first_seen, last_seen,
              count, tokens, cost_usd
       FROM observations WHERE kind = 'tenant'
       UNION ALL
       SELECT a.account_id, a.tenant_id, a.first_seen, a.last_seen, 0, 0, 0
       FROM accounts a ANTI JOIN observations o ON o.kind = 'tenant'
        AND o.account_id = a.account_id AND o.identifier = a.tenant_id""",
)

_EXPRESSION = {
    "string": "graph_text({})",
    "strings": "graph_list({})",
    "integer": "{}::BIGINT",
    "float": "{}::DOUBLE",
    "boolean": "{}::BOOLEAN",
    "datetime": "epoch_ms({})",
}


@dataclass(frozen=True)
class Staged:
    """A folder of Parquet files, one a label or relationship type, and its digest."""

    folder: Path
    digest: str

    def rows(self, name: str) -> str:
        """Path of the rows of the label or relationship type called `name`."""
        return str(self.folder / f"{name}.parquet")

    def count(self, name: str) -> int:
        """How many rows of the label or relationship type called `name` there are."""
        rows: int = pq.read_metadata(self.rows(name)).num_rows
        return rows

    @property
    def size(self) -> int:
        """How many rows there are in all."""
        names = [node.label for node in NODES] + [kind.type for kind in RELATIONSHIPS]
        return sum(map(self.count, names))


def at(workspace: Workspace, digest: str) -> Staged | None:
    """What was staged under this digest, if it is there still and of today's shape."""
    folder = workspace.database / "staged" / digest
    known = digest.startswith(_shape()) and folder.exists()
    return Staged(folder, digest) if known else None


def stage(workspace: Workspace, snapshot: Snapshot) -> Staged:
    """Write the rows of `snapshot`, or find them written already.

    All but the newest few staged folders are removed.
    """
    digest = _digest(snapshot)
    known = at(workspace, digest)
    if known:
        return known
    root = workspace.database / "staged"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    building = root / f".{digest}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    with snapshot.connect() as connection:
        _prepare(connection)
        for node in NODES:
            _write_nodes(connection, node, building)
        for relationship in RELATIONSHIPS:
            _write_relationships(connection, relationship, building)
    building.rename(root / digest)
    _forget_old(root)
    return Staged(root / digest, digest)


def _shape() -> str:
    """Names everything but the data that shapes the rows."""
    shape = repr((NODES, RELATIONSHIPS, BATCH, _MACROS, _HOT, _IDENTIFIERS, _REST))
    return hashlib.sha256(shape.encode()).hexdigest()[:8]


def _digest(snapshot: Snapshot) -> str:
    """The shape, then a digest of the derived tables' bytes."""
    whole = hashlib.sha256()
    for table in sorted(TABLES):
        with (snapshot.folder / f"{table}.parquet").open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return _shape() + "-" + whole.hexdigest()[:32]


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TEMP TABLE kind_labels (kind VARCHAR, label VARCHAR)")
    connection.executemany(
        "INSERT INTO kind_labels VALUES (?, ?)", sorted(LABEL_OF_KIND.items())
    )
    for statement in (*_MACROS, *_HOT):
        connection.execute(statement)
    connection.execute(_IDENTIFIERS, [list(NOT_IDENTIFIERS)])
    for statement in _REST:
        connection.execute(statement)


def columns(properties: tuple[Property, ...]) -> Iterator[str]:
    """The staged columns of properties, as SQL over the columns they come from."""
    for declared in properties:
        if declared.name != "id":
            source = '"' + (declared.column or declared.name) + '"'
            expression = _EXPRESSION[declared.type].format(source)
            yield expression + ' AS "' + declared.name + '"'


def _write_nodes(
    connection: duckdb.DuckDBPyConnection, node: Node, folder: Path
) -> None:
    """Also keeps id and tier as a table of the label's name, for relationships."""
    chosen = ", ".join(columns(node.properties))
    relation = connection.sql(
        "SELECT graph_id(id) AS id, " + chosen + ", CASE WHEN hot THEN 0 ELSE 1 END"
        " AS tier FROM (" + node.rows + ") WHERE id IS NOT NULL ORDER BY tier, id"
    )
    path = str(folder / f"{node.label}.parquet")
    relation.write_parquet(path, compression="zstd")
    connection.read_parquet(path).project("id, tier").create("staged_" + node.label)


def _write_relationships(
    connection: duckdb.DuckDBPyConnection, relationship: Relationship, folder: Path
) -> None:
    """Only those whose two ends are staged; hot where both ends are."""
    chosen = ", ".join(columns(relationship.properties))
    relation = connection.sql(
        "WITH given AS (" + relationship.rows + "), made AS ("
        "SELECT graph_id(start_id) AS start_id, graph_id(end_id) AS end_id, "
        + chosen
        + " FROM given) SELECT made.*, greatest(s.tier, e.tier) AS tier FROM made"
        " JOIN staged_" + relationship.start + " s ON s.id = made.start_id"
        " JOIN staged_" + relationship.end + " e ON e.id = made.end_id"
        " ORDER BY tier, start_id, end_id"
    )
    path = str(folder / f"{relationship.type}.parquet")
    relation.write_parquet(path, compression="zstd")


def _forget_old(root: Path) -> None:
    folders = sorted(root.iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    for folder in folders[:-_KEPT_FOLDERS]:
        shutil.rmtree(folder)
