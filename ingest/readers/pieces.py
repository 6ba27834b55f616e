"""What every reader yields: records with their place, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MAX_LINE = 16 << 20
"""Bytes; a longer line is no event but an attack or a lost line break."""

KEPT_OF_LONG_LINE = 64 << 10
"""Bytes of an overlong line that the quarantine shows."""

Positions = np.ndarray[tuple[int], np.dtype[np.int32]]

# Every byte but the white space that `bytes.strip` takes off.
_SAYS_SOMETHING = np.array([bool(bytes([n]).strip()) for n in range(256)])

# `record` is JSON text. `raw` is the text as it stood in the file where that differs.
RECORDS = pa.schema(
    [("line", pa.int64()), ("record", pa.string()), ("raw", pa.string())]
)
REFUSED = pa.schema(
    [("line", pa.int64()), ("text", pa.string()), ("reason", pa.string())]
)


@dataclass(frozen=True)
class Piece:
    """Some records of one file in order, and the lines refused among them.

    `read` is how many bytes of the file lie behind it, 0 where that is not known.
    """

    records: pa.Table
    refused: pa.Table
    read: int = 0

    @property
    def size(self) -> int:
        """Bytes that the piece occupies."""
        return int(self.records.nbytes + self.refused.nbytes)


class UnreadableError(Exception):
    """The rest of a file can't be read; counts as one line, at `line`."""

    def __init__(self, reason: str, line: int = 1, text: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.text = text

    def piece(self) -> Piece:
        """Give the refusal as a piece of its own."""
        return Piece(no_records(), refusals([self.line], [self.text], self.reason))


def no_records() -> pa.Table:
    """Give an empty table of records."""
    return RECORDS.empty_table()


def refusals(lines: list[int], texts: list[str], reason: str) -> pa.Table:
    """Give refused lines that share a reason."""
    return pa.table([lines, texts, [reason] * len(lines)], schema=REFUSED)


@dataclass(frozen=True)
class Lines:
    """Consecutive lines of a file: their bytes with line ends, and their numbers."""

    numbers: np.ndarray[tuple[int], np.dtype[np.int64]]
    text: pa.Array

    @classmethod
    def of(cls, data: pa.Buffer, ends: Positions, first: int) -> Lines:
        """Lay lines over a buffer without copying it; `first` is the first's number."""
        offsets = np.zeros(ends.size + 1, dtype=np.int32)
        offsets[1:] = ends
        buffers = [None, pa.py_buffer(offsets), data]
        text = pa.Array.from_buffers(pa.binary(), ends.size, buffers)
        return cls(np.arange(first, first + ends.size, dtype=np.int64), text)

    def keep(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Lines:
        """Keep the lines where the mask is true."""
        if mask.all():
            return self
        return Lines(self.numbers[mask], self.text.filter(pa.array(mask)))

    def offsets(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Give where each line starts in `values()`, and where the last one ends."""
        raw = np.frombuffer(self.text.buffers()[1], dtype=np.int32)
        return raw[self.text.offset : self.text.offset + len(self.text) + 1]

    def values(self) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """Give the bytes that `offsets()` points into."""
        data = self.text.buffers()[2]
        if data is None:
            return np.zeros(0, dtype=np.uint8)
        return np.frombuffer(data, dtype=np.uint8)

    def without_blanks(self) -> Lines:
        """Drop lines of nothing but white space; they count for nothing."""
        offsets, values = self.offsets(), self.values()
        if not len(self.text) or not (values[offsets[:-1]] <= ord(" ")).any():
            return self
        said = _SAYS_SOMETHING[values[: offsets[-1]]]
        return self.keep(np.logical_or.reduceat(said, offsets[:-1]))

    def readable(self) -> tuple[Lines, pa.Table]:
        """Part the lines, as text, from those that are overlong or not UTF-8."""
        lengths = np.diff(self.offsets())
        long = lengths > MAX_LINE
        good, refused = self, [REFUSED.empty_table()]
        if long.any():
            refused.append(self.keep(long).refuse(f"line: is over {MAX_LINE} bytes"))
            good = self.keep(~long)
        try:
            text = good.text.cast(pa.string())
        except pa.ArrowInvalid:
            foreign = good.not_utf8()
            refused.append(good.keep(foreign).refuse("line: is not UTF-8"))
            good = good.keep(~foreign)
            text = good.text.cast(pa.string())
        return Lines(good.numbers, text), pa.concat_tables(refused)

    def not_utf8(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Mark the lines that are not UTF-8; only those beyond ASCII are decoded."""
        offsets = self.offsets()
        beyond = np.flatnonzero(self.values()[offsets[0] : offsets[-1]] >= 0x80)
        rows = np.unique(np.searchsorted(offsets, beyond + offsets[0], "right") - 1)
        marked = np.zeros(len(self.text), dtype=bool)
        for at in rows.tolist():
            marked[at] = _not_utf8(self.text[at].as_py())
        return marked

    def refuse(self, reason: str) -> pa.Table:
        """Give these lines as refused, each cut to what the quarantine shows."""
        texts = [
            bytes(line.as_py()[:KEPT_OF_LONG_LINE]).decode("utf-8", "replace")
            for line in self.text
        ]
        return refusals(
            self.numbers.tolist(), [text.rstrip("\r\n") for text in texts], reason
        )


def _not_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def chomp(text: pa.Array) -> pa.Array:
    """Take the line ends off."""
    return pc.utf8_rtrim(text, characters="\r\n")


def json_objects(rows: pa.Table, connection: duckdb.DuckDBPyConnection) -> pa.Array:
    """Turn each row into the text of a JSON object."""
    connection.register("rows", rows)
    texts = connection.sql("SELECT to_json(rows)::VARCHAR FROM rows")
    return texts.to_arrow_table().column(0)
