"""Which files a path holds, and how each one is to be read."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ingest.errors import UsageError
from ingest.readers.bytestream import open_bytes
from ingest.readers.pieces import UnreadableError

_HEAD = 1 << 16
_NDJSON = frozenset({".ndjson", ".jsonl"})


class Form(Enum):
    """How the records lie in a file."""

    LINES = "one JSON record a line"
    DOCUMENT = "one JSON document"
    CSV = "comma-separated values"
    PARQUET = "Parquet"
    EMPTY = "nothing"


@dataclass(frozen=True)
class InputFile:
    """A file to read, named as its reader will see it in the quarantine."""

    path: Path
    refusal: str | None = None

    @property
    def name(self) -> str:
        """The path as it was given or found."""
        return str(self.path)

    @property
    def size(self) -> int:
        """Bytes on the disk; 0 where they can't be read."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def form(self) -> Form:
        """Recognise the form from the ending and the first bytes.

        Raises `UnreadableError` for what is none of the forms.
        """
        if self.refusal is not None:
            raise UnreadableError(self.refusal)
        head = self._head()
        if head.startswith(b"PAR1"):
            return Form.PARQUET
        if not head.strip():
            return Form.EMPTY if len(head) < _HEAD else Form.LINES
        endings = [ending.lower() for ending in self.path.suffixes[-2:]]
        if ".parquet" in endings[-1:]:
            raise UnreadableError("file: is not Parquet")
        if _is_binary(head):
            raise UnreadableError("file: is binary, not JSON lines, CSV or Parquet")
        if _NDJSON & set(endings):
            return Form.LINES
        return _form_of_text(head.removeprefix(b"\xef\xbb\xbf"), ".csv" in endings)

    def _head(self) -> bytes:
        if not stat.S_ISREG(self._mode()):
            raise UnreadableError("file: is not a regular file")
        head = b""
        try:
            for data in open_bytes(self.path):
                head += data[:_HEAD]
                if len(head) >= _HEAD:
                    break
        except UnreadableError:
            # Where a file breaks off is told by whoever reads it that far.
            if not head:
                raise
        return head[:_HEAD]

    def _mode(self) -> int:
        try:
            return self.path.stat().st_mode
        except OSError as error:
            raise UnreadableError(f"file: can't be read ({error.strerror})") from error


def walk(paths: Sequence[Path]) -> Iterator[InputFile]:
    """Yield the files under the paths, folders entered in sorted order.

    Raises `UsageError` for a path that does not exist.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist: name a file or folder to ingest")
    for path in paths:
        yield from _below(path, path.resolve()) if path.is_dir() else [InputFile(path)]


def _below(folder: Path, top: Path) -> Iterator[InputFile]:
    for path in sorted(folder.iterdir()):
        if not path.is_symlink():
            yield from _below(path, top) if path.is_dir() else [InputFile(path)]
        # Not `resolve`, which raises where a link leads back to itself.
        elif not Path(os.path.realpath(path)).is_relative_to(top):
            yield InputFile(path, "file: is a link that leads out of the folder")
        elif path.is_file():
            yield InputFile(path)


def _is_binary(head: bytes) -> bool:
    if b"\0" not in head:
        return False
    return head.lstrip()[:1] not in (b"{", b"[") and b"event_id" not in head


def _form_of_text(head: bytes, named_csv: bool) -> Form:
    first = head.lstrip()[:1]
    if named_csv:
        return Form.CSV
    if first in (b"{", b"["):
        return Form.DOCUMENT if _is_document(head) else Form.LINES
    if b"event_id" in _first_line(head):
        return Form.CSV
    raise UnreadableError("file: is neither JSON lines, CSV nor Parquet")


def _is_document(head: bytes) -> bool:
    """Tell one JSON text over the whole file from one on each line."""
    line = _first_line(head)
    if len(line) >= len(head.strip()):
        return True
    # A document printed over several lines starts with a line that is no JSON.
    return not _is_json(line) and line.rstrip().endswith((b"{", b"[", b","))


def _first_line(head: bytes) -> bytes:
    return head.lstrip().split(b"\n", 1)[0]


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
