"""What detection sees: the ledger's events up to a moment, read once and held narrow.

A text that repeats from event to event is held as a code of an enumeration. Sorted
as the texts are, codes group, join and order as their texts would, on whole numbers,
and an event takes a sixth of the room. DuckDB moves what does not fit to the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import duckdb
import pandas as pd
import pyarrow as pa

from ingest.aliases import NAMING
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
_TEXTS = """
    CREATE OR REPLACE TEMP TABLE texts AS
    SELECT DISTINCT $name AS text FROM $events WHERE $name IS NOT NULL
"""
_CODE = "CREATE TYPE $code AS ENUM (SELECT text FROM texts ORDER BY text)"

# Where texts are many and come with most events, a join finds a code in half the time
# that a cast takes.
_MANY = ("account_id", "device_id", "ip", "key_id", "prompt_hash")
_CODES = """
    CREATE OR REPLACE TEMP TABLE $codes AS
    SELECT text, text::$code AS code FROM texts
"""
_JOIN = "LEFT JOIN $codes ON $codes.text = e.$name"
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
    FROM events e $codes WHERE type <> $usage AND occurred_at <= getvariable('as_of')
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
           arg_min(account_id, (NOT created, occurred_at, account_id))::account_id_code
               AS account_id,
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
           coalesce(account_id_codes.code, o.account_id) AS account_id,
           coalesce(e.tenant_id, o.tenant_id)::tenant_id_code AS tenant_id,
           account_id_codes.code AS named_account_id,
           e.tenant_id::tenant_id_code AS named_tenant_id,
           coalesce(input_tokens, 0) AS input_tokens,
           coalesce(output_tokens, 0) AS output_tokens,
           coalesce(requests, 1) AS requests,
           coalesce(cost_usd,
                    (input_tokens * p.input_usd_per_token
                     + coalesce(output_tokens, 0) * p.output_usd_per_token
                    )::DECIMAL(18, 9)) AS cost_usd
    FROM events e $codes
    LEFT JOIN owners o ON e.key_id = o.key_id
    LEFT JOIN prices p ON e.model = p.model AND e.cost_usd IS NULL
    WHERE type = $usage AND occurred_at <= getvariable('as_of')
"""

_TABLES = ("usage", "deeds", "owners", "prices")

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
        # Under its other names an account costs each query of all events two joins.
        events = "events" if name in NAMING else "events_as_named"
        connection.execute(fill(_TEXTS, name=name, events=events))
        connection.execute(fill(_CODE, code=_code(name)))
        if name in _MANY:
            connection.execute(fill(_CODES, codes=_codes(name), code=_code(name)))
    usage = literal(USAGE)
    connection.execute(fill(_DEEDS, **_held(_OF_DEEDS), usage=usage))
    connection.execute(fill(_OWNERS, usage=usage))
    connection.execute(fill(_USAGE, **_held(_OF_USE, "account_id"), usage=usage))
    let_go(connection, ("texts", *map(_codes, _MANY)))


def let_go(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Drop tables for which nothing asks any more, so that the next stage has room."""
    for name in tables:
        connection.execute(fill("DROP TABLE $name", name=name))


def look_away(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what `look` made: once all is counted, nothing asks for an event."""
    let_go(connection, _TABLES)
    for name in _CODED:
        connection.execute(fill("DROP TYPE $code", code=_code(name)))


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


def _codes(name: str) -> str:
    return name + "_codes"


def _held(names: Sequence[str], *joined: str) -> dict[str, str]:
    """The columns of some fields, texts as codes, and the joins that they need."""
    many = [name for name in (*names, *joined) if name in _MANY]
    joins = [fill(_JOIN, codes=_codes(name), name=name) for name in many]
    return {"columns": ", ".join(map(_column, names)), "codes": " ".join(joins)}


def _column(name: str) -> str:
    if name in _MANY:
        return fill("$codes.code AS $n", codes=_codes(name), n=name)
    if name in _CODED:
        return fill("e.$n::$code AS $n", code=_code(name), n=name)
    return fill("e.$n", n=name)
