"""Bytes of a file, plain or gzip, in blocks that end where a line ends."""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from ingest.readers.pieces import KEPT_OF_LONG_LINE, MAX_LINE, UnreadableError

BLOCK = 32 << 20
"""Bytes read at a time."""

# Event logs shrink 5 to 40 times; deflate's own limit is 1,032.
_BOMB_RATIO = 200
_BOMB_FLOOR = 64 << 20
_COMPRESSED = 1 << 20
_BOM = b"\xef\xbb\xbf"
_STRETCH = 1 << 20

# A block of line breaks alone would otherwise become lists many times its size.
_MOST_LINES = 1 << 20

Positions = np.ndarray[tuple[int], np.dtype[np.int32]]


@dataclass(frozen=True)
class Stream:
    """A file being read: `read_into` a buffer, 0 at its end; `tell` the bytes read.

    Of a gzip file, the packed bytes.
    """

    read_into: Callable[[memoryview], int | None]
    tell: Callable[[], int]


@dataclass(frozen=True)
class Block:
    """Whole lines, where each ends, and the number of the first one.

    `read` is how many bytes of the file have been read by then. `cut` marks the
    beginning of an overlong line, whose rest is skipped.
    """

    data: pa.Buffer
    ends: Positions
    first: int
    read: int
    cut: bool = False


def open_bytes(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, decompressed where it is gzip.

    Raises `UnreadableError`, after all that was good, where the file breaks off.
    """
    with _opened(path) as stream:
        buffer = memoryview(bytearray(_STRETCH))
        while size := stream.read_into(buffer):
            yield bytes(buffer[:size])


def _inflate(file: BinaryIO) -> Iterator[bytes]:
    inflater, packed = zlib.decompressobj(wbits=31), b""
    taken = given = 0
    while packed or (packed := file.read(_COMPRESSED)):
        taken = file.tell()
        if inflater.eof:
            # Padding with zeros after a member is allowed, and so is another member.
            packed, inflater = packed.lstrip(b"\0"), zlib.decompressobj(wbits=31)
            if not packed:
                return
        data = _unpack(inflater, packed)
        given += len(data)
        if given > max(_BOMB_FLOOR, _BOMB_RATIO * taken):
            raise UnreadableError(f"file: unpacks to over {_BOMB_RATIO} times its size")
        if data:
            yield data
        packed = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    while not inflater.eof:
        data = _unpack(inflater, b"")
        if not data:
            raise UnreadableError("file: the gzip data ends early")
        yield data


def _unpack(inflater: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return inflater.decompress(packed, BLOCK)
    except zlib.error as error:
        raise UnreadableError("file: the gzip data is damaged") from error


class _Slabs:
    """Buffers used over and over, since fresh memory costs more than reading does.

    A buffer comes back by itself when the last array that looks into it is gone.
    """

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    def lend(self) -> tuple[bytearray, memoryview]:
        slab = self._free.pop() if self._free else bytearray(BLOCK + MAX_LINE)
        view = memoryview(slab)
        weakref.finalize(view, self._free.append, slab)
        return slab, view


_SLABS = _Slabs()


def blocks(path: Path) -> Iterator[Block]:
    """Yield blocks of whole lines; a byte order mark at the start is dropped.

    The broken rest of a file that breaks off is in the error, not in a block.
    """
    cutter = _Cutter()
    try:
        with _opened(path) as stream:
            yield from cutter.cut(stream)
    except UnreadableError as error:
        raise UnreadableError(error.reason, cutter.line, cutter.unfinished()) from error


@dataclass
class _Cutter:
    """Cuts a stream into blocks; knows its place for when the stream breaks off."""

    line: int = 1
    read: int = 0
    rest: bytes = b""
    skipping: bool = False

    def cut(self, stream: Stream) -> Iterator[Block]:
        slab, view = _SLABS.lend()
        while size := self._fill(slab, view, stream):
            self.read = stream.tell()
            start = self._start(slab, size)
            end = slab.rfind(b"\n", start, size) + 1 or start
            self.rest = bytes(view[end:size])
            if end > start:
                yield from self._blocks(view, start, end)
            yield from self._overlong()
            slab, view = _SLABS.lend()
        if self.rest:
            yield self._last()

    def _fill(self, slab: bytearray, view: memoryview, stream: Stream) -> int:
        kept = len(self.rest)
        slab[:kept] = self.rest
        read = stream.read_into(view[kept : kept + BLOCK])
        return kept + read if read else 0

    def _start(self, slab: bytearray, size: int) -> int:
        """Step over the byte order mark, or over the rest of an overlong line."""
        if self.skipping:
            end = slab.find(b"\n", 0, size)
            self.skipping = end < 0
            self.line += end >= 0
            return size if end < 0 else end + 1
        first = self.line == 1 and slab.startswith(_BOM)
        return len(_BOM) if first else 0

    def _blocks(self, view: memoryview, start: int, end: int) -> Iterator[Block]:
        if view[start] <= ord(" ") and (blank := bytes(view[start:end])).isspace():
            # Nobody asks for blank lines, and a bomb may hold nothing else.
            self.line += blank.count(b"\n")
            return
        data = pa.py_buffer(view).slice(start, end - start)
        ends, taken = _line_ends(data), 0
        for at in range(0, ends.size, _MOST_LINES):
            some = ends[at : at + _MOST_LINES]
            last = int(some[-1])
            whole = data.slice(taken, last - taken)
            yield Block(whole, some - taken, self.line, self.read)
            self.line += some.size
            taken = last

    def _overlong(self) -> Iterator[Block]:
        if len(self.rest) > MAX_LINE:
            data = pa.py_buffer(self.rest[:KEPT_OF_LONG_LINE])
            yield Block(data, _one_end(data), self.line, self.read, cut=True)
            self.rest, self.skipping = b"", True

    def _last(self) -> Block:
        data = pa.py_buffer(
            self.rest.removeprefix(_BOM) if self.line == 1 else self.rest
        )
        return Block(data, _one_end(data), self.line, self.read)

    def unfinished(self) -> str:
        return self.rest[:KEPT_OF_LONG_LINE].decode("utf-8", "replace")


def _line_ends(data: pa.Buffer) -> Positions:
    """Find where lines end, a cache-sized stretch at a time."""
    view = np.frombuffer(data, dtype=np.uint8)
    found = [
        (np.flatnonzero(view[at : at + _STRETCH] == ord("\n")) + (at + 1)).astype(
            np.int32
        )
        for at in range(0, view.size, _STRETCH)
    ]
    return np.concatenate(found)


def _one_end(data: pa.Buffer) -> Positions:
    return np.array([data.size], dtype=np.int32)


@contextmanager
def _opened(path: Path) -> Iterator[Stream]:
    """Open a file for reading into a buffer, unpacked where it is gzip."""
    try:
        with path.open("rb", buffering=0) as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not zipped:
                yield Stream(file.readinto, file.tell)
                return
            with path.open("rb") as packed:
                yield Stream(_Pourer(_inflate(packed)).pour, packed.tell)
    except OSError as error:
        raise UnreadableError(f"file: can't be read ({error.strerror})") from error


@dataclass
class _Pourer:
    """Pours blocks of bytes into buffers of another size."""

    source: Iterator[bytes]
    left: memoryview = field(default_factory=lambda: memoryview(b""))

    def pour(self, target: memoryview) -> int:
        if not self.left:
            self.left = memoryview(next(self.source, b""))
        taken = min(len(self.left), len(target))
        target[:taken] = self.left[:taken]
        self.left = self.left[taken:]
        return taken
