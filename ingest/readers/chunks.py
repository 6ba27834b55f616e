"""Chunks: the pieces of many files put together into work of an even size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from ingest.readers.columns import read_parquet
from ingest.readers.files import Form, InputFile
from ingest.readers.lines import read_document, read_lines
from ingest.readers.pieces import RECORDS, REFUSED, Piece, UnreadableError
from ingest.readers.table import read_csv
from ingest.sources import Source, named, recognise

CHUNK = 64 << 20
"""Bytes of records that are worked on at a time."""

_FILE = pa.field("file", pa.int32())


@dataclass(frozen=True)
class Chunk:
    """Records of one source: `file` (its number), `line`, `record`, `raw`.

    `nested` says that a record may be a document that holds the records. `refused`
    has `file`, `line`, `text`, `reason` of what could not be read at all. It ends in
    the file numbered `last`, `read` bytes of which lie behind it.
    """

    source: Source
    nested: bool
    records: pa.Table
    refused: pa.Table
    last: int
    read: int


@dataclass
class _Collected:
    source: Source
    nested: bool
    pieces: list[tuple[int, Piece]] = field(default_factory=list)
    size: int = 0

    def chunk(self) -> Chunk:
        records = [_with_file(one.records, at) for at, one in self.pieces]
        refused = [_with_file(one.refused, at) for at, one in self.pieces]
        last, piece = self.pieces[-1]
        return Chunk(
            self.source,
            self.nested,
            pa.concat_tables([_empty(RECORDS), *records]),
            pa.concat_tables([_empty(REFUSED), *refused]),
            last,
            piece.read,
        )


def chunks(
    files: Sequence[InputFile], source: str | None = None, size: int | None = None
) -> Iterator[Chunk]:
    """Read the files in order; `source` forces what their records are taken for.

    A chunk is complete once it holds `size` bytes (`CHUNK`).
    """
    enough = CHUNK if size is None else size
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        reader = _Reader(connection, named(source) if source else None)
        collected: _Collected | None = None
        for at, file in enumerate(files):
            for of, nested, piece in reader.read(file):
                fits = collected and (collected.source, collected.nested) == (
                    of,
                    nested,
                )
                if collected is None or not fits or collected.size >= enough:
                    if collected is not None:
                        yield collected.chunk()
                    collected = _Collected(of, nested)
                collected.pieces.append((at, piece))
                collected.size += piece.size
        if collected is not None:
            yield collected.chunk()


def ahead(source: Iterator[Chunk]) -> Iterator[Chunk]:
    """Read the next chunk while the caller works on this one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, source, None)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield chunk


@dataclass(frozen=True)
class _Reader:
    connection: duckdb.DuckDBPyConnection
    forced: Source | None

    def read(self, file: InputFile) -> Iterator[tuple[Source, bool, Piece]]:
        """Yield a file's pieces with the source they come from."""
        source = self.forced
        try:
            form = file.form()
        except UnreadableError as error:
            yield source or recognise(""), False, error.piece()
            return
        for piece in self._pieces(form)(file):
            if source is None and piece.records.num_rows:
                source = recognise(piece.records.column("record")[0].as_py())
            yield source or recognise(""), form is Form.DOCUMENT, piece

    def _pieces(self, form: Form) -> Callable[[InputFile], Iterator[Piece]]:
        readers: dict[Form, Callable[[InputFile], Iterator[Piece]]] = {
            Form.LINES: lambda file: read_lines(file.path),
            Form.DOCUMENT: lambda file: read_document(file.path),
            Form.CSV: lambda file: read_csv(file.path, self.connection),
            Form.PARQUET: lambda file: read_parquet(file.path, self.connection),
            Form.EMPTY: lambda _: iter(()),
        }
        return readers[form]


def _with_file(table: pa.Table, at: int) -> pa.Table:
    numbers = np.full(table.num_rows, at, dtype=np.int32)
    return table.add_column(0, _FILE, pa.array(numbers))


def _empty(schema: pa.Schema) -> pa.Table:
    return schema.insert(0, _FILE).empty_table()
