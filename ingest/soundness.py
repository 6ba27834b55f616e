"""Whether a ledger is what was written: checksums, rows, the sum of its events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingest.errors import LedgerError, PepperError
from ingest.ledger import Ledger
from ingest.manifest import Manifest, Segment
from ingest.progress import Progress, each, silent
from ingest.sql import first
from ingest.upkeep import PROBE, sum_of
from ingest.workspace import Workspace

_MEND = "restore the ledger from a backup, or ingest its sources into a new workspace"


@dataclass(frozen=True)
class Finding:
    """One line of a check: which part, whether it is sound, what is so."""

    part: str
    sound: bool
    text: str


def check_ledger(
    workspace: Workspace, progress: Progress = silent
) -> Iterator[Finding]:
    """Read every segment and say what is wrong with it; changes nothing."""
    folder = workspace.ledger
    try:
        manifest = Manifest.read(folder)
        Ledger.open(workspace)
    except (LedgerError, PepperError) as error:
        yield Finding("ledger", False, str(error))
        return
    if manifest is None:
        yield Finding("ledger", True, "empty: nothing was ingested yet")
        return
    wrong = list(damaged(folder, manifest, progress))
    yield from (Finding("ledger", False, f"{text}: {_MEND}") for text in wrong)
    if not wrong:
        yield _counted(folder, manifest)


def require_sound(ledger: Ledger, progress: Progress = silent) -> None:
    """Raise `LedgerError` naming a segment that is not what was written.

    An engine reads many a flipped bit as another value: only the checksum tells.
    """
    folder = ledger.workspace.ledger
    for text in damaged(folder, ledger.manifest, progress):
        raise LedgerError(f"{text}: {_MEND}")


def damaged(
    folder: Path, manifest: Manifest, progress: Progress = silent
) -> Iterator[str]:
    """Say of each segment that is not what the manifest says, what is wrong with it."""
    segments = {segment.name: segment for segment in manifest.segments}
    sizes = {name: _size(folder / name) for name in segments}
    for name in each(progress, "checking the ledger", sizes):
        path, segment = folder / name, segments[name]
        if not path.is_file():
            yield f"segment {path} is missing"
        elif not _same(path, segment):
            yield f"segment {path} is not what was written (its checksum differs)"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _same(path: Path, segment: Segment) -> bool:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest == segment.sha256


def _counted(folder: Path, manifest: Manifest) -> Finding:
    """Hold rows and events against what the manifest says of them."""
    for segment in manifest.segments:
        if pq.read_metadata(folder / segment.name).num_rows != segment.rows:
            text = f"segment {folder / segment.name} has not {segment.rows} rows"
            return Finding("ledger", False, f"{text}: {_MEND}")
    with duckdb.connect() as connection:
        # Another engine's hashes can't be compared; the next ingest makes them anew.
        known = first(connection, PROBE)[0] == manifest.hash_probe
        if known and manifest.events_sum != _sum(connection, folder, manifest):
            text = f"the events do not add up to what {folder} says of them"
            return Finding("ledger", False, f"{text}: {_MEND}")
    return Finding(
        "ledger",
        True,
        f"{manifest.rows('events'):,} events, as they were written "
        f"(segments read: {len(manifest.segments)})",
    )


def _sum(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest
) -> int:
    tables = (pq.read_table(folder / name) for name in manifest.names("events"))
    return sum(sum_of(connection, table) for table in tables) % (1 << 64)
