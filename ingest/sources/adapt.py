"""Records of any source become contract events, vectorised."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.readers.chunks import Chunk
from ingest.sources import EVENTS, Source
from ingest.sql import fill, literal

_VALID = """
    CREATE OR REPLACE TEMP TABLE valid_records AS
    SELECT file, line, record, $may_hold AS may_hold FROM raw_records
    WHERE json_valid(record)
"""
_INVALID = """
    SELECT file, line, coalesce(raw, record) AS text, 'line: is not JSON' AS reason
    FROM raw_records WHERE NOT json_valid(record)
"""
_UNNESTED = """
    SELECT file, line, record FROM valid_records WHERE NOT may_hold
    UNION ALL
    SELECT file, line, unnest(CASE
        WHEN json_type(record) = 'ARRAY' THEN json_extract(record, '$$[*]')
        $held
        ELSE [record::JSON] END)::VARCHAR AS record
    FROM valid_records WHERE may_hold
"""
_HELD = "WHEN json_type(record, $path) = 'ARRAY' THEN json_extract(record, $all)"
# Most lines are a record as they stand, which a glance at the text can tell.
_MAY_HOLD = "ltrim(record)[1] = '['"
_MENTIONS = "contains(record, $name)"

WITHHELD = '{"withheld":"the record may hold a secret"}'
"""Stands in the quarantine for a bad record of a source that carries raw secrets."""


def adapt(
    connection: duckdb.DuckDBPyConnection, chunk: Chunk
) -> tuple[pa.Table, pa.Table]:
    """Give a chunk's records as contract events, and what can't be one.

    The second table has `file`, `line`, `text` and `reason`.
    """
    if chunk.source is EVENTS and not chunk.nested:
        return chunk.records, chunk.refused
    connection.register("raw_records", chunk.records)
    invalid = connection.sql(_INVALID).to_arrow_table()
    connection.execute(_valid(chunk.source))
    connection.unregister("raw_records")
    events = chunk.source.events(connection.sql(_unnested(chunk.source)))
    table = events.to_arrow_table()
    connection.execute("DROP TABLE valid_records")
    problems = table.slice(0, 0)
    if "problem" in table.column_names:
        wrong = pc.is_valid(table.column("problem"))
        problems, table = table.filter(wrong), table.filter(pc.invert(wrong))
    refused = [chunk.refused, _as(invalid, chunk.refused.schema)]
    if problems.num_rows:
        named = problems.rename_columns({"record": "text", "problem": "reason"})
        refused.append(_as(named, chunk.refused.schema))
    raw = pa.nulls(table.num_rows, pa.string())
    records = table.append_column("raw", raw)
    bad = pa.concat_tables(refused)
    if chunk.source.secret:
        bad = _without_text(bad)
    return _as(records, chunk.records.schema), bad


def _unnested(source: Source) -> str:
    held = " ".join(
        fill(_HELD, path=literal(f"$.{name}"), all=literal(f"$.{name}[*]"))
        for name in source.envelopes
    )
    return fill(_UNNESTED, held=held)


def _valid(source: Source) -> str:
    named = (fill(_MENTIONS, name=literal(f'"{n}"')) for n in source.envelopes)
    return fill(_VALID, may_hold=" OR ".join((_MAY_HOLD, *named)))


def _without_text(refused: pa.Table) -> pa.Table:
    text = pa.array([WITHHELD] * refused.num_rows, pa.string())
    at = refused.column_names.index("text")
    return refused.set_column(at, "text", text)


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table.select(schema.names).cast(schema)
