"""The ledger: every accepted event, once, in immutable Parquet files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import duckdb

from ingest import aliases
from ingest.errors import BusyError, LedgerError, PepperError
from ingest.identifiers.kinds import normalisers
from ingest.intake import (
    EVENT_COLUMNS,
    QUARANTINE_COLUMNS,
    Counts,
    Intake,
)
from ingest.keying import IDENTIFIER_COLUMNS, VAULT_COLUMNS, Keying
from ingest.manifest import FAMILIES, Manifest, sweep
from ingest.pepper import Pepper
from ingest.progress import Progress, Report, silent
from ingest.readers.chunks import Chunk, ahead, chunks
from ingest.readers.files import InputFile, walk
from ingest.reference import Reference
from ingest.settling import settle
from ingest.sources import EVENTS, named
from ingest.sql import fill, first
from ingest.staging import Staging
from ingest.tombstones import Forgotten, today
from ingest.upkeep import PROBE, compact, reclassify, rekey
from ingest.workspace import Resources, Workspace

__all__ = ["Counts", "Ledger"]

_WAIT_SECONDS = 24 * 3600.0
_BLANK = "CREATE VIEW $name AS SELECT $columns WHERE false"
_VIEW = """
    CREATE VIEW $name AS
    SELECT $columns FROM (SELECT $typed WHERE false
                          UNION ALL BY NAME SELECT * FROM $files)
"""
_COLUMNS = {
    "events": {n: t for n, t in EVENT_COLUMNS.items() if n != "key"},
    "identifiers": IDENTIFIER_COLUMNS,
    "vault": VAULT_COLUMNS,
    "quarantine": QUARANTINE_COLUMNS,
}
_REVEAL = "SELECT min(value) FROM vault WHERE kind = ? AND identifier = ?"


@dataclass(frozen=True)
class Ledger:
    """The ledger of one workspace, under one pepper."""

    workspace: Workspace
    pepper: Pepper

    @classmethod
    def open(cls, workspace: Workspace) -> Ledger:
        """Open a workspace's ledger, which may still be empty.

        Raises `PepperError` when the pepper is not the one it was begun with, and
        `LedgerError` when the manifest is damaged or from a newer version.
        """
        pepper: Pepper | None = Pepper.load()
        manifest = Manifest.read(workspace.ledger)
        if manifest and pepper:
            # Another workspace's rotation may have gone further than this one's.
            pepper = pepper.of_check(manifest.pepper_check)
        if pepper is None:
            raise PepperError(
                f"the pepper is not the one that {workspace.ledger} was begun with: "
                "give that one in RINGFENCE_PEPPER or RINGFENCE_PEPPER_FILE"
            )
        return cls(workspace, pepper)

    @property
    def manifest(self) -> Manifest:
        """The state of the ledger as of now."""
        stored = Manifest.read(self.workspace.ledger)
        if stored is not None:
            return stored
        with duckdb.connect() as connection:
            probe = str(first(connection, PROBE)[0])
        return Manifest(self.pepper.check(), probe)

    @property
    def fingerprint(self) -> str:
        """A hash of the set of accepted events, the same whatever their batches."""
        return self.manifest.fingerprint

    def ingest(
        self,
        paths: Sequence[Path],
        source: str | None = None,
        progress: Progress = silent,
    ) -> Counts:
        """Read files and folders in; `source` names what their records are.

        All of it enters the ledger at once, at the end, or none. Waits while another
        ingest works in the workspace, and says so. Raises `UsageError` for a path or
        source that does not exist.
        """
        files = list(walk(paths))
        named(source or EVENTS.name)
        with self._sole_writer(), self._connection() as connection:
            now = rekey(self.workspace.ledger, self._prepare(), connection)
            staging = Staging(self.workspace.ledger, now.generation + 1)
            with closing(staging):
                normal = normalisers(Reference.of(self.workspace))
                keying = Keying(connection, self.pepper, normal)
                forgotten = Forgotten.of(now, self.pepper, today())
                names = [f.name for f in files]
                intake = Intake(connection, keying, staging, names, forgotten)
                intake.prepare(self._paths(now, "events"))
                told = _Reading(files, progress)
                for chunk in ahead(chunks(files, source)):
                    intake.take(chunk)
                    told.taken(chunk)
                progress(Report("writing the ledger"))
                intake.flush()
                settle(intake, chunks(files, source))
                counts = intake.finish({f: self._paths(now, f) for f in FAMILIES})
                self._commit(now, intake)
        return counts

    def reclassify(self) -> None:
        """Class what is known of addresses and domains by the present reference data.

        To be called after `ingest.reference.update`; the next ingest does it too.
        """
        with self._sole_writer():
            self._prepare()

    @contextmanager
    def rewriting(self) -> Iterator[tuple[Manifest, duckdb.DuckDBPyConnection]]:
        """Give the ledger's state and a working connection while nobody ingests."""
        with self._sole_writer(), self._connection() as connection:
            yield rekey(self.workspace.ledger, self._prepare(), connection), connection

    @contextmanager
    def _sole_writer(self) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(self.workspace.lock("ledger"))
            except BusyError:
                sys.stderr.write(
                    f"another ingest works in {self.workspace.root}: waiting for it\n"
                )
                held.enter_context(self.workspace.lock("ledger", _WAIT_SECONDS))
            yield

    def _prepare(self) -> Manifest:
        """Clear what a crash left, and bring the ledger up to the reference data."""
        folder, now = self.workspace.ledger, self.manifest
        if not self.pepper.matches(now.pepper_check):
            raise PepperError(
                f"the pepper of {folder} was rotated meanwhile: run this again"
            )
        for family in FAMILIES:
            (folder / family).mkdir(exist_ok=True, parents=True, mode=0o700)
        if Manifest.read(folder) is None:
            # Segments without a manifest then always mean that one was lost.
            now.write(folder)
        sweep(folder, now)
        shutil.rmtree(folder / "spill", ignore_errors=True)
        return reclassify(folder, now, self.pepper, Reference.of(self.workspace))

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        resources = Resources.from_environment()
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": resources.threads,
            "memory_limit": resources.memory,
            "temp_directory": str(self.workspace.ledger / "spill"),
            "preserve_insertion_order": False,
            # Its tables live as long as the run: tidying them is time lost.
            "checkpoint_threshold": "1TB",
        }
        with duckdb.connect(config=settings) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")
            yield connection
        shutil.rmtree(self.workspace.ledger / "spill", ignore_errors=True)

    def _commit(self, now: Manifest, intake: Intake) -> None:
        segments = intake.staging.segments()
        if not segments:
            return
        total = (now.events_sum + intake.events_sum) % (1 << 64)
        grown = replace(
            now,
            generation=now.generation + 1,
            events_sum=total,
            segments=now.segments + tuple(segments),
            retired=(),
        )
        grown.write(self.workspace.ledger)
        compact(self.workspace.ledger, grown)

    def _paths(self, manifest: Manifest, family: str) -> list[Path]:
        return [self.workspace.ledger / name for name in manifest.names(family)]

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Give an in-memory DuckDB with the ledger's views as of now.

        An account that other systems name otherwise has one name in `events`. The
        views `events`, `identifiers` and `quarantine` stay as they are while
        other ingests go on. Raises `LedgerError` when a segment is missing.
        """
        connection = self._views(("events", "identifiers", "quarantine", "vault"))
        aliases.resolve(connection)
        connection.execute("DROP VIEW vault")
        return connection

    def _views(self, families: Sequence[str]) -> duckdb.DuckDBPyConnection:
        resources = Resources.from_environment()
        connection = duckdb.connect(config={"threads": resources.threads})
        connection.execute("SET TimeZone = 'UTC'")
        self.show(connection, self.manifest, families)
        return connection

    def show(
        self,
        connection: duckdb.DuckDBPyConnection,
        manifest: Manifest,
        families: Sequence[str],
    ) -> None:
        """Make a view of each family of segments, as they are stored.

        Raises `LedgerError` when a segment is missing.
        """
        for family in families:
            paths = self._paths(manifest, family)
            missing = [path for path in paths if not path.exists()]
            if missing:
                raise LedgerError(
                    f"segment {missing[0]} is missing: restore it from a backup"
                )
            _view(connection, family, paths)

    def segments(self, family: str) -> tuple[Path, ...]:
        """The Parquet files of a family as of now, for engines other than DuckDB.

        Accounts stand there as each system names them: `connect` has their aliases.
        """
        return tuple(self._paths(self.manifest, family))

    def reveal(self, kind: str, identifier: str) -> str | None:
        """Give the readable value behind a keyed hash; None where none is kept."""
        with self._views(("vault",)) as connection:
            value = first(connection, _REVEAL, [kind, identifier])[0]
        return None if value is None else str(value)


class _Reading:
    """Tells how far the reading of files has come, in bytes as they lie on the disk."""

    def __init__(self, files: Sequence[InputFile], progress: Progress) -> None:
        self._files = files
        self._before = [0, *accumulate(file.size for file in files)]
        self._progress = progress
        self._records = 0
        self._tell(0)

    def taken(self, chunk: Chunk) -> None:
        """Tell that a chunk was taken in."""
        self._records += chunk.records.num_rows
        at = f"file {chunk.last + 1:,} of {len(self._files):,}"
        name = self._files[chunk.last].path.name
        read = self._before[chunk.last] + chunk.read
        self._tell(read, f"{self._records:,} records, {at}: {name}")

    def _tell(self, read: int, detail: str = "") -> None:
        total = self._before[-1]
        self._progress(Report("reading", read, total, "bytes", detail))


def _view(
    connection: duckdb.DuckDBPyConnection, family: str, paths: Sequence[Path]
) -> None:
    of = _COLUMNS[family]
    typed = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in of.items())
    if not paths:
        connection.execute(fill(_BLANK, name=family, columns=typed))
        return
    names = ", ".join(f'"{name}"' for name in of)
    relation = connection.read_parquet([str(p) for p in paths], union_by_name=True)
    relation.create_view(f"{family}_segments")
    files = f"{family}_segments"
    connection.execute(
        fill(_VIEW, name=family, columns=names, typed=typed, files=files)
    )
