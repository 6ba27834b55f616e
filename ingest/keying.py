"""From typed rows to stored rows: every identifier becomes its keyed hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ingest.contract import FIELDS, FURTHER_KINDS, IDENTIFIER_FIELDS
from ingest.identifiers import FORMS
from ingest.identifiers.kinds import FURTHER, NORMALISERS
from ingest.pepper import Pepper, key_hash_sql, keyed_sql
from ingest.routes import ROUTES, Route
from ingest.sql import fill, literal, literals

DEVICE_SEPARATOR = "\x1f"
"""Stands between scheme and id in the raw text of a device."""

IDENTIFIER_COLUMNS: Mapping[str, str] = {
    "kind": "VARCHAR",
    "identifier": "VARCHAR",
    "class": "VARCHAR",
    "prefix": "VARCHAR",
    "domain": "VARCHAR",
    "asn": "INTEGER",
    "country": "VARCHAR",
    "template": "VARCHAR",
    "stem": "VARCHAR",
    "number": "BIGINT",
    "skeleton": "VARCHAR",
    "client": "VARCHAR",
    "masked": "VARCHAR",
}
VAULT_COLUMNS: Mapping[str, str] = {
    "kind": "VARCHAR",
    "identifier": "VARCHAR",
    "value": "VARCHAR",
}

_HASHED = ("prefix", "stem", "skeleton")

_LOOKUP = (
    "CREATE TEMP TABLE lookup_$kind (kind VARCHAR, raw VARCHAR, identifier VARCHAR)"
)

_FOUND = """
    CREATE TEMP TABLE found_identifiers ($columns);
    CREATE TEMP TABLE found_values (kind VARCHAR, identifier VARCHAR, value VARCHAR);
"""

_FRESH = """
    SELECT DISTINCT here.kind, here.raw FROM ($here) here
    ANTI JOIN lookup_$table known ON known.kind = here.kind AND known.raw = here.raw
    WHERE here.raw IS NOT NULL
"""

_HASH = """
    CREATE OR REPLACE TEMP TABLE keyed AS
    SELECT kind, raw, text, $identifier AS identifier, class, $hashed,
           domain, asn, country, template, number, client, masked
    FROM forms
"""

_REMEMBER = "INSERT INTO lookup_$table SELECT kind, raw, identifier FROM keyed"

_KEEP = """
    INSERT INTO found_identifiers BY NAME
    SELECT $columns FROM keyed WHERE identifier IS NOT NULL
"""

_KEEP_VALUE = """
    INSERT INTO found_values
    SELECT kind, identifier, text FROM keyed
    WHERE identifier IS NOT NULL AND text IS NOT NULL
"""

_STORED = """
    CREATE OR REPLACE TEMP TABLE rows_$route AS
    SELECT *, hash(event_id) AS key, hash($all) AS body FROM (
        SELECT nr, $columns FROM typed_$route AS typed $joins WHERE NOT doubt
    )
"""


@dataclass(frozen=True)
class Keying:
    """Hashes identifiers on a connection, remembering what it has seen."""

    connection: duckdb.DuckDBPyConnection
    pepper: Pepper

    def prepare(self) -> None:
        """Make the empty tables that the work fills."""
        for table in _TABLES:
            self.connection.execute(fill(_LOOKUP, kind=table))
        columns = ", ".join(f'"{n}" {t}' for n, t in IDENTIFIER_COLUMNS.items())
        self.connection.execute(fill(_FOUND, columns=columns))

    def key(self) -> None:
        """Turn `typed_usage` and `typed_rest` into `rows_usage` and `rows_rest`."""
        for table in _TABLES:
            query = fill(_FRESH, here=_here(table), table=table)
            fresh = self.connection.sql(query).to_arrow_table()
            if fresh.num_rows:
                self._learn(table, fresh)
        for route in ROUTES:
            self.connection.execute(_stored(route))

    def _learn(self, table: str, fresh: pa.Table) -> None:
        forms = NORMALISERS.get(table, FURTHER)(fresh.column("raw").combine_chunks())
        forms = _complete(forms).append_column("kind", fresh.column("kind"))
        self.connection.register("forms", forms)
        pads = self.pepper.pads()
        self.connection.execute(_hash_sql(table), pads)
        self.connection.unregister("forms")
        columns = ", ".join(f'"{name}"' for name in IDENTIFIER_COLUMNS)
        self.connection.execute(fill(_REMEMBER, table=table))
        self.connection.execute(fill(_KEEP, columns=columns))
        self.connection.execute(_KEEP_VALUE)


_OWN_KINDS = tuple(IDENTIFIER_FIELDS.values())
_TABLES = (*_OWN_KINDS, "further")


def _complete(forms: pa.Table) -> pa.Table:
    """Add the columns that a kind has no use for."""
    for name, kind in FORMS.items():
        if name not in forms.column_names:
            forms = forms.append_column(name, pa.nulls(forms.num_rows, kind))
    return forms


def _hash_sql(table: str) -> str:
    own = key_hash_sql("text") if table == "key_hash" else keyed_sql("kind", "text")
    hashed = (
        keyed_sql("kind || " + literal(" " + name), name) + " AS " + name
        for name in _HASHED
    )
    return fill(_HASH, identifier=own, hashed=", ".join(hashed))


def _raw(field: str, route: Route) -> str:
    """Give the text that a field's identifier is made from."""
    if field != "device_id":
        return f"typed.{field}"
    scheme = "typed.device_scheme" if "device_scheme" in route.fields else "NULL"
    return f"coalesce({scheme}, '') || chr(31) || typed.device_id"


def _kind_of_value() -> str:
    """Give the kind under which an `identifier.seen` value is kept."""
    plain = "lower(trim(typed.kind))"
    arms = " ".join(
        fill("WHEN $n THEN $k", n=literal(name), k=literal(kind))
        for name, kind in FURTHER_KINDS.items()
    )
    return f"CASE {plain} {arms} ELSE {plain} END"


def _raw_of_value() -> str:
    kind = _kind_of_value()
    return f"CASE WHEN {kind} = 'device' THEN chr(31) ELSE '' END || typed.value"


def _here(table: str) -> str:
    """Select kind and raw text of every identifier of a kind in the chunk."""
    selects = []
    for route in ROUTES:
        for field, kind in IDENTIFIER_FIELDS.items():
            if kind == table and field in route.fields:
                raw = _raw(field, route)
                selects.append(
                    f"SELECT '{kind}' AS kind, {raw} AS raw FROM typed_{route.name}"
                    " AS typed WHERE NOT doubt"
                )
    kind = _kind_of_value()
    own = f"= '{table}'" if table in _OWN_KINDS else f"NOT IN {literals(_OWN_KINDS)}"
    selects.append(
        f"SELECT {kind} AS kind, {_raw_of_value()} AS raw FROM typed_rest AS typed"
        f" WHERE NOT doubt AND typed.value IS NOT NULL AND {kind} {own}"
    )
    return " UNION ALL ".join(selects)


def _stored(route: Route) -> str:
    columns, joins = [], []
    for field in route.fields:
        if field in IDENTIFIER_FIELDS:
            kind = IDENTIFIER_FIELDS[field]
            columns.append(f"of_{field}.identifier AS {field}")
            joins.append(
                f"LEFT JOIN lookup_{kind} AS of_{field}"
                f" ON of_{field}.raw = {_raw(field, route)}"
            )
        elif field == "value":
            columns.append("of_value.identifier AS value")
            joins.append(_join_value())
        elif field == "kind":
            seen = "typed.type = 'identifier.seen'"
            columns.append(
                f"CASE WHEN {seen} THEN {_kind_of_value()} ELSE typed.kind END AS kind"
            )
        else:
            columns.append(f"typed.{field}")
    every = (
        field if field in route.fields else f"NULL::{kind.value}"
        for field, kind in FIELDS.items()
    )
    return fill(
        _STORED,
        route=route.name,
        all=", ".join(every),
        columns=", ".join(columns),
        joins=" ".join(joins),
    )


def _join_value() -> str:
    tables = " UNION ALL ".join(f"FROM lookup_{table}" for table in _TABLES)
    return (
        f"LEFT JOIN ({tables}) AS of_value"
        f" ON of_value.kind = {_kind_of_value()}"
        f" AND of_value.raw = {_raw_of_value()} AND typed.type = 'identifier.seen'"
    )
