"""What is fuzzed: each reader and source by a file, each normaliser by a text.

A target raises only what a user could meet: a bug.
"""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from ingest.identifiers import Normaliser
from ingest.identifiers.kinds import further, normalisers
from ingest.pepper import Pepper
from ingest.readers.chunks import chunks
from ingest.readers.files import InputFile
from ingest.reference import Reference
from ingest.secrets import Redactor
from ingest.sources.adapt import adapt
from ingest.workspace import Workspace

# Endings of files; with none the content alone says what it is.
FILES = (".ndjson", ".json", ".csv", ".parquet", ".ndjson.gz", "")
TEXTS = ("email", "phone", "ip", "device", "user_agent", "card", "key_hash", "further",
         "secrets")  # fmt: skip

_PEPPER = Pepper(b"a pepper that is used for fuzzing alone")


def take_files(ending: str, contents: Sequence[bytes]) -> int:
    """Read files through readers and sources; gives the lines that were met.

    Raises `AssertionError` where a line has no place or a refusal no reason.
    """
    met = 0
    files = [InputFile(_folder() / f"{n}{ending}") for n in range(len(contents))]
    for file, data in zip(files, contents, strict=True):
        file.path.write_bytes(data)
    for chunk in chunks(files):
        records, refused = adapt(_connection(), chunk)
        assert records.column("line").null_count == 0  # noqa: S101
        assert all(refused.column("reason").to_pylist())  # noqa: S101
        met += records.num_rows + refused.num_rows
    return met


def take_text(kind: str, texts: Sequence[str]) -> None:
    """Normalise texts twice, or clean them of secrets twice.

    Raises `AssertionError` where the second time changes what the first one made.
    """
    if kind == "secrets":
        once = [_redactor().clean(text) for text in texts]
        assert [_redactor().clean(text) for text in once] == once  # noqa: S101
        return
    normalise = _normalisers().get(kind, further)
    first = normalise(pa.array(texts, pa.string()))
    assert first.num_rows == len(texts)  # noqa: S101
    made = [text for text in first.column("text").to_pylist() if text is not None]
    again = normalise(pa.array(made, pa.string())).column("text").to_pylist()
    assert again == made  # noqa: S101


@cache
def _folder() -> Path:
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@cache
def _normalisers() -> dict[str, Normaliser]:
    with TemporaryDirectory() as folder:
        return dict(normalisers(Reference.of(Workspace.open(Path(folder)))))


@cache
def _redactor() -> Redactor:
    return Redactor(_PEPPER)
