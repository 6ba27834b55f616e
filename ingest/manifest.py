"""The manifest: which segments make up the ledger as of now.

Segments never change. A commit writes a new manifest beside the old one and renames
it into place, so that a reader or a crash meets the old ledger or the new one whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ingest.errors import LedgerError

VERSION = 2
FAMILIES = ("events", "identifiers", "vault", "quarantine")
_NAME = "manifest.json"


@dataclass(frozen=True)
class Segment:
    """One immutable Parquet file: path under the ledger, rows, SHA-256 in hex."""

    name: str
    rows: int
    sha256: str

    @property
    def family(self) -> str:
        """The first folder of the path: events, identifiers, vault or quarantine."""
        return self.name.split("/", 1)[0]

    @classmethod
    def seal(cls, folder: Path, name: str, rows: int) -> Segment:
        """Flush a written file to the disk and take its checksum."""
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
            return cls(name, rows, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(frozen=True)
class Tombstone:
    """Somebody who was forgotten, by keyed hashes of what named them.

    `made` and `expires` are dates (ISO 8601); see `ingest.tombstones`.
    """

    made: str
    expires: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """The whole state of a ledger.

    `events_sum` is the sum, modulo 2^64, of a hash of every accepted event: the same
    set gives the same sum whatever the batches. `hash_probe` is the engine's hash of
    a fixed word; while it stays, the stored key columns and the sum stay valid.
    """

    pepper_check: str
    hash_probe: str
    generation: int = 0
    events_sum: int = 0
    reference: str = ""
    segments: tuple[Segment, ...] = ()
    retired: tuple[str, ...] = ()
    forgotten: tuple[Tombstone, ...] = ()
    version: int = field(default=VERSION)

    @property
    def fingerprint(self) -> str:
        """A hash of the set of accepted events, the same whatever their batches."""
        text = f"{self.events_sum} {self.rows('events')} {self.reference}"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def contents(self) -> str:
        """A hash of all that detection reads, the same whatever the batches.

        Identifiers and vault follow from the events, the pepper and the reference
        data, but for what was erased of them, which their rows tell.
        """
        held = f"{self.rows('identifiers')} {self.rows('vault')}"
        text = f"{self.fingerprint} {self.pepper_check} {held}"
        return hashlib.sha256(text.encode()).hexdigest()

    def rows(self, family: str) -> int:
        """Count the rows of a family of segments."""
        return sum(one.rows for one in self.segments if one.family == family)

    def names(self, family: str) -> list[str]:
        """List the files of a family, oldest first, relative to the ledger."""
        return [one.name for one in self.segments if one.family == family]

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Read the manifest in use; None where nothing was ever committed.

        Raises `LedgerError` when it is damaged, missing beside its segments, or from
        a newer version.
        """
        path = folder / _NAME
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            _refuse_orphans(folder)
            return None
        try:
            return _parse(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerError(
                f"manifest {path} is damaged: restore the ledger from a backup"
            ) from error

    def write(self, folder: Path) -> None:
        """Swap this manifest in, durably."""
        raw = asdict(replace(self, version=VERSION))
        text = json.dumps(raw | {"seal": _seal(raw)}, indent=1, sort_keys=True)
        fresh = folder / f"{_NAME}.new"
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        for family in FAMILIES:
            _sync_folder(folder / family)
        fresh.rename(folder / _NAME)
        _sync_folder(folder)


def _parse(raw: Mapping[str, Any]) -> Manifest:
    if raw["version"] > VERSION:
        raise LedgerError(
            f"the ledger is of version {raw['version']}, this program knows "
            f"{VERSION}: install a newer Ringfence"
        )
    rest = dict(raw)
    # Version 1 bore no seal.
    if raw["version"] > 1 and rest.pop("seal") != _seal(rest):
        raise ValueError("the manifest is not what was written")
    segments = tuple(Segment(**one) for one in rest.pop("segments"))
    retired = tuple(rest.pop("retired"))
    stones = [one | {"names": tuple(one["names"])} for one in rest.pop("forgotten", ())]
    forgotten = tuple(Tombstone(**one) for one in stones)
    return Manifest(segments=segments, retired=retired, forgotten=forgotten, **rest)


def _seal(raw: Mapping[str, Any]) -> str:
    """Give the SHA-256 of a manifest's content, in hex."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()


def _refuse_orphans(folder: Path) -> None:
    """A manifest is written before the first segment, so it was here once."""
    if any(any((folder / family).glob("*.parquet")) for family in FAMILIES):
        raise LedgerError(
            f"manifest {folder / _NAME} is missing beside its segments: "
            "restore the ledger from a backup"
        )


def _sync_folder(folder: Path) -> None:
    if not folder.is_dir():
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, manifest: Manifest) -> int:
    """Remove what a crashed ingest or a replaced segment left; count the files.

    Files retired by the last commit stay one commit longer, for readers that opened
    the ledger before it.
    """
    kept = {one.name for one in manifest.segments} | set(manifest.retired)
    swept = 0
    for family in FAMILIES:
        for path in sorted((folder / family).glob("*")):
            if f"{family}/{path.name}" not in kept:
                path.unlink()
                swept += 1
    return swept
