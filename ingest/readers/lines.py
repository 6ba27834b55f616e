"""NDJSON: one record a line; or one whole JSON document, taken as one record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ingest.readers.bytestream import Block, blocks, open_bytes
from ingest.readers.pieces import (
    MAX_LINE,
    RECORDS,
    Lines,
    Piece,
    UnreadableError,
    no_records,
    refusals,
)

MAX_DOCUMENT = 256 << 20
"""Bytes of a JSON document that is read whole."""


def read_lines(path: Path) -> Iterator[Piece]:
    """Yield the lines of an NDJSON file, plain or gzip."""
    try:
        for block in blocks(path):
            yield _cut(block) if block.cut else _piece(block)
    except UnreadableError as error:
        yield error.piece()


def _piece(block: Block) -> Piece:
    found = Lines.of(block.data, block.ends, block.first)
    lines, refused = found.without_blanks().readable()
    records = pa.table(
        [lines.numbers, lines.text, pa.nulls(len(lines.text), pa.string())],
        schema=RECORDS,
    )
    return Piece(records, refused, block.read)


def _cut(block: Block) -> Piece:
    text = block.data.to_pybytes().decode("utf-8", "replace")
    reason = f"line: is over {MAX_LINE} bytes"
    return Piece(no_records(), refusals([block.first], [text], reason), block.read)


def read_document(path: Path) -> Iterator[Piece]:
    """Yield a file that is one JSON document as one record, at line 1."""
    try:
        text = _whole(path).decode("utf-8-sig")
    except UnreadableError as error:
        yield error.piece()
        return
    except UnicodeDecodeError:
        yield UnreadableError("file: is not UTF-8").piece()
        return
    records = pa.table([[1], [text], [None]], schema=RECORDS)
    yield Piece(records, refusals([], [], ""))


def _whole(path: Path) -> bytes:
    parts, size = [], 0
    for data in open_bytes(path):
        size += len(data)
        if size > MAX_DOCUMENT:
            raise UnreadableError(
                f"file: one JSON document of over {MAX_DOCUMENT} bytes; "
                "write one record a line"
            )
        parts.append(data)
    return b"".join(parts)
