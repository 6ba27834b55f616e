"""An index of one snapshot: the ties of an account, a thing or a cluster found at once.

The derived tables are Parquet sorted by account, with long hashes as keys: right for
whole scans, slow for one identifier out of millions. The index numbers accounts and
identifiers and keeps their pairs in three orders in a DuckDB file beside the tables.
It may be thrown away; without it the same views read the tables themselves.
"""

from __future__ import annotations

import os

import duckdb

from graph.derived import Snapshot
from ingest.workspace import Workspace

_WAIT_SECONDS = 600.0

# Rows between two entries of DuckDB's zone maps: small, since few rows are asked for.
_BUILD = "ATTACH $path AS building (ROW_GROUP_SIZE 16384)"

_TABLES = (
    """CREATE TABLE building.things AS
    SELECT row_number() OVER ()::INTEGER AS thing, kind, identifier, masked, class,
           accounts, links, score AS weight, country, asn
    FROM identifiers""",
    """CREATE TABLE building.people AS
    SELECT row_number() OVER ()::INTEGER AS person, account_id, cluster_id, role,
           paid_usd > coalesce(disputed_usd, 0) AS paying
    FROM accounts""",
    """CREATE TABLE building.of_account AS
    SELECT person, thing, o.first_seen, o.last_seen, o.count, o.tokens, o.cost_usd
    FROM observations o JOIN building.things USING (kind, identifier)
    JOIN building.people USING (account_id) ORDER BY person""",
    """CREATE TABLE building.of_thing AS
    SELECT * FROM building.of_account ORDER BY thing, person""",
    """CREATE TABLE building.of_cluster AS
    SELECT o.* FROM building.of_account o JOIN building.people p USING (person)
    WHERE p.cluster_id <> '' ORDER BY p.cluster_id""",
)

# Each view has the same columns and rows; they differ in what they find quickly.
_PLAIN = """
    CREATE OR REPLACE VIEW ties_of_account AS
    SELECT o.account_id, a.cluster_id, a.role,
           a.paid_usd > coalesce(a.disputed_usd, 0) AS paying,
           o.kind, o.identifier, i.masked, i.class, i.accounts, i.links,
           i.score AS weight, i.country, i.asn,
           o.first_seen, o.last_seen, o.count, o.tokens, o.cost_usd
    FROM observations o JOIN identifiers i USING (kind, identifier)
    JOIN accounts a USING (account_id);
    CREATE OR REPLACE VIEW ties_of_thing AS FROM ties_of_account;
    CREATE OR REPLACE VIEW ties_of_cluster AS
    FROM ties_of_account WHERE cluster_id <> '';
"""

_COLUMNS = """
    SELECT p.account_id, p.cluster_id, p.role, p.paying, t.kind, t.identifier,
           t.masked, t.class, t.accounts, t.links, t.weight, t.country, t.asn,
           o.first_seen, o.last_seen, o.count, o.tokens, o.cost_usd
"""
_JOINED = " o JOIN page.things t USING (thing) JOIN page.people p USING (person)"

_INDEXED = (
    "CREATE OR REPLACE VIEW ties_of_account AS "
    + _COLUMNS + "FROM page.of_account" + _JOINED,
    "CREATE OR REPLACE VIEW ties_of_thing AS "
    + _COLUMNS + "FROM page.of_thing" + _JOINED,
    "CREATE OR REPLACE VIEW ties_of_cluster AS "
    + _COLUMNS + "FROM page.of_cluster" + _JOINED,
)  # fmt: skip


def plain_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the views of ties over the derived tables themselves."""
    connection.execute(_PLAIN)


def index(
    workspace: Workspace, snapshot: Snapshot, connection: duckdb.DuckDBPyConnection
) -> None:
    """Let the views of ties read the index, which is built when it is not there.

    Others may ask `connection` meanwhile. Raises `OSError` or `duckdb.Error` where
    the snapshot's folder is gone or can't be written.
    """
    place = snapshot.folder / "index.duckdb"
    with connection.cursor() as cursor:
        if not place.exists():
            with workspace.lock("index", _WAIT_SECONDS):
                _build(snapshot, cursor)
        cursor.execute("ATTACH $path AS page (READ_ONLY)", {"path": str(place)})
        cursor.begin()
        for view in _INDEXED:
            cursor.execute(view)
        cursor.commit()


def _build(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> None:
    """Write the file under another name first, so that it is there whole or not."""
    place = snapshot.folder / "index.duckdb"
    if place.exists():
        return
    unfinished = place.with_name(f".index.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    cursor.execute(_BUILD, {"path": str(unfinished)})
    try:
        for table in _TABLES:
            cursor.execute(table)
    finally:
        cursor.execute("DETACH building")
    unfinished.chmod(0o600)
    unfinished.replace(place)
