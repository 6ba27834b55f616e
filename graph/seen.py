"""What detection sees: the ledger's events up to a moment, read once and held narrow.

A text that repeats from event to event is held as a code of an enumeration. Sorted
as the texts are, codes group, join and order as their texts would, on whole numbers,
and an event takes a sixth of the room. DuckDB moves what does not fit to the disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import duckdb
import pandas as pd
import pyarrow as pa

from ingest.contract import BY_NAME, FIELDS, USAGE, Kind, carriers
from ingest.sql import fill, literal

# Texts that hardly repeat, or that are few: a code would cost more than it saves.
_AS_THEY_ARE = frozenset(
    {"event_id", "type", "charge_id", "location", "note", "replaces", "scopes", "value"}
)
_WORKED_OUT = frozenset(
    {"event_id", "type", "account_id", "tenant_id", "input_tokens", "output_tokens",
     "requests", "cost_usd"}
)  # fmt: skip

# Kept in the ledger for people; nothing here asks for them.
_UNASKED = frozenset(
    {"card_last4", "device_scheme", "limit_tokens", "mfa", "note", "region", "wallet"}
)

_OF_USE = tuple(
    name for name in BY_NAME[USAGE].fields if name not in _WORKED_OUT | _UNASKED
)
_OF_DEEDS = tuple(
    name
    for name in FIELDS
    if name not in _UNASKED | {"event_id"} and {*carriers(name)} - {USAGE}
)
_CODED = tuple(
    name
    for name, kind in FIELDS.items()
    if kind is Kind.TEXT and name not in _AS_THEY_ARE | _UNASKED
)

# To find parts of a query that are alike it hashes their types, which for a code is
# every text it stands for: seconds for each query, and nothing found. It only saves
# time, so a DuckDB that has no such optimizer does as well.
_HASHING = "common_subplan"
_KNOWN = "SELECT name FROM duckdb_optimizers() WHERE name = ?"
_CODE = """
    CREATE TYPE $code AS ENUM (
        SELECT DISTINCT $name FROM events WHERE $name IS NOT NULL ORDER BY $name)
"""
_PRICES = """
    CREATE OR REPLACE TEMP TABLE prices AS
    SELECT model, input_usd_per_token::DOUBLE AS input_usd_per_token,
           output_usd_per_token::DOUBLE AS output_usd_per_token FROM price_list
"""

# Only these two types are told apart by id when they fall on one moment.
_DEEDS = """
    CREATE OR REPLACE TEMP TABLE deeds AS
    SELECT $columns,
           CASE WHEN type IN ('key.exposed', 'payment.disputed') THEN event_id END
               AS event_id
    FROM events e WHERE type <> $usage AND occurred_at <= getvariable('as_of')
"""

_OWNERS = """
    CREATE OR REPLACE TEMP TABLE owners AS
    WITH named AS (
        SELECT key_id, account_id, tenant_id, occurred_at,
               type = 'key.created' AS created
        FROM events
        WHERE key_id IS NOT NULL AND account_id IS NOT NULL
          AND type IN ('key.created', $usage) AND occurred_at <= getvariable('as_of')
    )
    SELECT key_id,
           arg_min(account_id, (NOT created, occurred_at, account_id)) AS account_id,
           arg_min(tenant_id, (NOT created, occurred_at, account_id))
               FILTER (tenant_id IS NOT NULL) AS tenant_id,
           min(occurred_at) FILTER (created) AS created_at
    FROM named GROUP BY key_id
"""

# A request by key alone is its owner's. What the log lacks is priced from model and
# tokens; what can't be priced is unknown.
_USAGE = """
    CREATE OR REPLACE TEMP TABLE usage AS
    SELECT $columns,
           coalesce(e.account_id, o.account_id)::account_id_code AS account_id,
           coalesce(e.tenant_id, o.tenant_id)::tenant_id_code AS tenant_id,
           e.account_id::account_id_code AS named_account_id,
           e.tenant_id::tenant_id_code AS named_tenant_id,
           coalesce(input_tokens, 0) AS input_tokens,
           coalesce(output_tokens, 0) AS output_tokens,
           coalesce(requests, 1) AS requests,
           coalesce(cost_usd,
                    (input_tokens * p.input_usd_per_token
                     + coalesce(output_tokens, 0) * p.output_usd_per_token
                    )::DECIMAL(18, 9)) AS cost_usd
    FROM events e
    LEFT JOIN owners o ON e.key_id = o.key_id
    LEFT JOIN prices p ON e.model = p.model AND e.cost_usd IS NULL
    WHERE type = $usage AND occurred_at <= getvariable('as_of')
"""

_DECODED = "SELECT * REPLACE ($texts) FROM ($query)"


def look(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, prices: pa.Table
) -> None:
    """Make `usage`, `deeds` and `owners` of the view `events`.

    `usage` holds the requests, on the account and tenant of their key's owner where
    they name none (`named_account_id` and `named_tenant_id` are what they name);
    `deeds` holds all other events, `owners` one row a key. `prices` has columns
    model, input_usd_per_token, output_usd_per_token. Only events up to `as_of`
    (naive UTC) are seen.
    """
    for (name,) in connection.execute(_KNOWN, [_HASHING]).fetchall():
        connection.execute("SET disabled_optimizers = ?", [name])
    connection.execute("SET VARIABLE as_of = ?::TIMESTAMP", [as_of])
    connection.register("price_list", prices)
    connection.execute(_PRICES)
    for name in _CODED:
        connection.execute(fill(_CODE, code=_code(name), name=name))
    usage = literal(USAGE)
    connection.execute(fill(_DEEDS, columns=_held(_OF_DEEDS), usage=usage))
    connection.execute(fill(_OWNERS, usage=usage))
    connection.execute(fill(_USAGE, columns=_held(_OF_USE), usage=usage))


def let_go(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop `usage` and `deeds`, for which nothing asks once all is counted."""
    connection.execute("DROP TABLE usage")
    connection.execute("DROP TABLE deeds")


def frame(connection: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """Give the rows of a query as a frame, codes as the texts that they stand for."""
    found = connection.sql(query)
    coded = [
        fill('"$name"::VARCHAR AS "$name"', name=name)
        for name, kind in zip(found.columns, found.types, strict=True)
        if kind.id == "enum"
    ]
    if coded:
        query = fill(_DECODED, texts=", ".join(coded), query=query)
    return connection.execute(query).df()


def _code(name: str) -> str:
    return name + "_code"


def _held(names: Iterable[str]) -> str:
    return ", ".join(
        fill("e.$n::$code AS $n", n=name, code=_code(name))
        if name in _CODED
        else fill("e.$n", n=name)
        for name in names
    )
