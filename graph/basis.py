"""What a snapshot rests on: while none of it changes, the snapshot stands as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import graph
import ingest
from ingest.reference import prices

# What the numbers of a verdict pass through besides our own sources.
_LIBRARIES = ("duckdb", "networkit", "numpy", "pandas", "pyarrow", "scipy")


def basis(contents: str, as_of: datetime, settings: str) -> str:
    """A hash of all that a verdict follows from, in hex.

    `contents` is that of the ledger's manifest, `settings` the user's, in one form.
    With them go the prices, the sources of detection and the libraries below it, so
    that another release never takes an old snapshot for its own.
    """
    made = hashlib.sha256()
    for part in (contents, as_of.isoformat(), settings, *_libraries()):
        made.update(part.encode() + b"\0")
    made.update(repr(prices().to_pydict()).encode())
    for source in _sources():
        made.update(source.read_bytes() + b"\0")
    return made.hexdigest()


def _libraries() -> Iterator[str]:
    return (f"{name} {version(name)}" for name in _LIBRARIES)


def _sources() -> list[Path]:
    rooms = [Path(name) for room in (graph, ingest) for name in room.__path__]
    return sorted(path for room in rooms for path in room.rglob("*.py"))
