"""CSV: one record a row, placed at the physical line where it starts.

Whole lines are checked and parsed at once. Only a line with an odd number of quotes
goes the slow way: it may open a field with line breaks inside, or be a stray quote,
which must cost its own line and no other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from ingest.readers.bytestream import Block, blocks
from ingest.readers.pieces import (
    MAX_LINE,
    RECORDS,
    REFUSED,
    Lines,
    Piece,
    UnreadableError,
    chomp,
    json_objects,
    no_records,
    refusals,
)

_MAX_JOINED = 1000
_DELIMITERS = (",", ";", "\t")
_QUOTE = ord('"')

Marks = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Header:
    """Column names in order, and what parts the columns."""

    names: tuple[str, ...]
    delimiter: str

    @classmethod
    def parse(cls, line: str) -> Header:
        """Read the first line; a name that comes again is put out of the way."""
        if "\r" in line.rstrip("\r\n"):
            raise UnreadableError("file: lines end in a carriage return alone")
        most = max(_DELIMITERS, key=line.count)
        names = next(csv.reader([line.rstrip("\r\n")], delimiter=most), [])
        fresh: dict[str, None] = {}
        for at, name in enumerate(names):
            plain = name.strip()
            fresh[plain if plain and plain not in fresh else f"column {at}"] = None
        return cls(tuple(fresh), most)

    def fields(self, text: str) -> list[str] | None:
        """Parse one record; None where it does not have one value a column."""
        reader = csv.reader(io.StringIO(text), delimiter=self.delimiter, strict=True)
        try:
            rows = list(reader)
        except csv.Error:
            return None
        fits = len(rows) == 1 and len(rows[0]) == len(self.names)
        return rows[0] if fits else None


def read_csv(path: Path, connection: duckdb.DuckDBPyConnection) -> Iterator[Piece]:
    """Yield the rows of a CSV file, plain or gzip, as JSON records."""
    header: Header | None = None
    try:
        for block in blocks(path):
            if block.cut:
                yield _cut(block)
                continue
            lines = Lines.of(block.data, block.ends, block.first)
            if header is None:
                header, lines = _header(lines)
            if header is not None and len(lines.text):
                piece = _Rows(header, connection).read(lines)
                yield replace(piece, read=block.read)
    except UnreadableError as error:
        yield error.piece()


def _header(lines: Lines) -> tuple[Header | None, Lines]:
    """Take the first line that is not blank for the header."""
    for at, line in enumerate(lines.text):
        if line.as_py().strip():
            header = Header.parse(line.as_py().decode("utf-8", "replace"))
            return header, Lines(lines.numbers[at + 1 :], lines.text.slice(at + 1))
    return None, Lines(lines.numbers[:0], lines.text.slice(0, 0))


def _cut(block: Block) -> Piece:
    text = block.data.to_pybytes().decode("utf-8", "replace")
    reason = f"line: is over {MAX_LINE} bytes"
    return Piece(no_records(), refusals([block.first], [text], reason), block.read)


@dataclass(frozen=True)
class _Rows:
    header: Header
    connection: duckdb.DuckDBPyConnection

    def read(self, lines: Lines) -> Piece:
        lines, refused = lines.readable()
        plain = self._plain(lines)
        good = lines.keep(plain)
        try:
            parsed = self._parse(good)
        except pa.ArrowInvalid:
            # Quotes inside an unquoted value: the exact parser takes line by line.
            plain = np.zeros(len(lines.text), dtype=bool)
            good, parsed = lines.keep(plain), None
        records, bad = self._one_by_one(lines.keep(~plain))
        tables = [records] if parsed is None else [self._json(good, parsed), records]
        return Piece(pa.concat_tables(tables), pa.concat_tables([refused, bad]))

    def _plain(self, lines: Lines) -> Marks:
        """Mark the lines with closed quotes and one value a column."""
        offsets, values = lines.offsets(), lines.values()
        quotes = np.flatnonzero(values == _QUOTE)
        commas = np.flatnonzero(values == ord(self.header.delimiter))
        if quotes.size:
            row = np.searchsorted(offsets, commas, "right") - 1
            before = np.searchsorted(quotes, commas)
            at_start = np.searchsorted(quotes, offsets[row.clip(0)])
            commas = commas[(before - at_start) % 2 == 0]
        per_line = np.diff(np.searchsorted(commas, offsets))
        closed = np.diff(np.searchsorted(quotes, offsets)) % 2 == 0
        return np.asarray((per_line == len(self.header.names) - 1) & closed)

    def _parse(self, lines: Lines) -> pa.Table:
        offsets = lines.offsets()
        start, end = int(offsets[0]), int(offsets[-1])
        if start == end:
            return pa.table(dict.fromkeys(self.header.names, pa.array([], pa.string())))
        data = lines.text.buffers()[2].slice(start, end - start)
        names = list(self.header.names)
        parsed = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(column_names=names, block_size=MAX_LINE * 2),
            pacsv.ParseOptions(delimiter=self.header.delimiter),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
            ),
        )
        if parsed.num_rows != len(lines.text):
            raise pa.ArrowInvalid("a line is not one row")
        return parsed

    def _json(self, lines: Lines, rows: pa.Table) -> pa.Table:
        record = json_objects(rows, self.connection)
        raw = chomp(lines.text)
        return pa.table([lines.numbers, record, raw], schema=RECORDS)

    def _one_by_one(self, lines: Lines) -> tuple[pa.Table, pa.Table]:
        texts: list[str] = lines.text.to_pylist()
        numbers = lines.numbers.tolist()
        found: list[tuple[int, str, list[str]]] = []
        bad: list[int] = []
        at = 0
        while at < len(texts):
            if not texts[at].strip():
                at += 1
                continue
            taken, fields = self._record(texts, numbers, at)
            if fields is None:
                bad.append(at)
            else:
                found.append((numbers[at], "".join(texts[at : at + taken]), fields))
            at += taken
        return self._found(found), self._bad([(numbers[i], texts[i]) for i in bad])

    def _record(
        self, texts: list[str], numbers: list[int], at: int
    ) -> tuple[int, list[str] | None]:
        """Parse the record that starts at a line, over as many lines as it takes."""
        text = texts[at]
        fields = self.header.fields(text)
        if fields is not None or text.count('"') % 2 == 0:
            return 1, fields
        for taken in range(2, _MAX_JOINED):
            last = at + taken - 1
            if last >= len(texts) or numbers[last] != numbers[at] + taken - 1:
                break
            text += texts[last]
            if texts[last].count('"') % 2:
                fields = self.header.fields(text)
                return (taken, fields) if fields is not None else (1, None)
        return 1, None

    def _found(self, found: list[tuple[int, str, list[str]]]) -> pa.Table:
        if not found:
            return no_records()
        columns = zip(*(fields for _, _, fields in found), strict=True)
        rows = pa.table(
            [pa.array(column, pa.string()) for column in columns],
            names=list(self.header.names),
        )
        record = json_objects(rows, self.connection)
        raw = [text.rstrip("\r\n") for _, text, _ in found]
        return pa.table([[n for n, _, _ in found], record, raw], schema=RECORDS)

    def _bad(self, bad: list[tuple[int, str]]) -> pa.Table:
        if not bad:
            return REFUSED.empty_table()
        width = len(self.header.names)
        return refusals(
            [number for number, _ in bad],
            [text.rstrip("\r\n") for _, text in bad],
            f"line: does not have the header's {width} columns",
        )
