"""Parquet: one record a row; the line number is the row's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.readers.pieces import (
    RECORDS,
    Piece,
    UnreadableError,
    json_objects,
    refusals,
)

_ROWS = 1 << 16
_MAX_COLUMNS = 2000
# An event id is unique, so a row takes bytes; a file with more rows than this for
# each of its bytes is made to exhaust memory.
_ROWS_PER_BYTE = 4
_MAX_BATCH = 512 << 20


def read_parquet(path: Path, connection: duckdb.DuckDBPyConnection) -> Iterator[Piece]:
    """Yield the rows of a Parquet file as JSON records."""
    row = 1
    try:
        file, size = _open(path), path.stat().st_size
        for batch in file.iter_batches(_ROWS):
            table = pa.Table.from_batches([batch])
            piece = as_records(_plain(table), row, connection)
            row += table.num_rows
            yield replace(piece, read=size * (row - 1) // file.metadata.num_rows)
    except UnreadableError as error:
        yield error.piece()
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError):
        yield UnreadableError("file: the Parquet data is damaged", row).piece()


def as_records(
    table: pa.Table, first: int, connection: duckdb.DuckDBPyConnection
) -> Piece:
    """Turn each row into a JSON object; `first` is the number of the first row."""
    record = json_objects(table, connection)
    lines = np.arange(first, first + table.num_rows, dtype=np.int64)
    records = pa.table(
        [lines, record, pa.nulls(table.num_rows, pa.string())], schema=RECORDS
    )
    return Piece(records, refusals([], [], ""))


def _open(path: Path) -> pq.ParquetFile:
    meta = pq.read_metadata(path)
    if meta.num_columns > _MAX_COLUMNS:
        raise UnreadableError(f"file: has over {_MAX_COLUMNS} columns")
    if meta.num_rows > _ROWS_PER_BYTE * path.stat().st_size:
        raise UnreadableError("file: claims more rows than its size can hold")
    schema = meta.schema.to_arrow_schema()
    texts = [one.name for one in schema if pa.types.is_string(one.type)]
    # Text stays in its dictionary until its unpacked size is known.
    return pq.ParquetFile(path, read_dictionary=texts)


def _plain(table: pa.Table) -> pa.Table:
    columns = {
        name: _column(table.column(at)) for at, name in enumerate(table.column_names)
    }
    return pa.table(columns)


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _unpacked(column)
    if pa.types.is_timestamp(kind):
        # A time zone makes the column UTC; without one the offset stays missing.
        form = "%Y-%m-%dT%H:%M:%SZ" if kind.tz else "%Y-%m-%dT%H:%M:%S"
        exact = column.cast(pa.timestamp("us", kind.tz and "UTC"), safe=False)
        return pc.strftime(exact, form)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        return column.cast(pa.string())
    return column


def _unpacked(column: pa.ChunkedArray) -> pa.ChunkedArray:
    for chunk in column.chunks:
        longest = pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
        if longest * len(chunk) > _MAX_BATCH:
            raise UnreadableError("file: unpacks to far more than its size")
    return column.cast(pa.string())
