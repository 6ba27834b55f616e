"""One archive of what can't be made again: ledger with vault, cases, settings.

Derived tables and the graph are made again; the pepper stays outside, as it does of
the workspace. The archive is a plain tar whose first entry lists every other with its
size and SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from graph.access import Person
from graph.audit import Entry
from graph.cases import Cases
from ingest.errors import BackupError, UsageError
from ingest.ledger import Ledger
from ingest.manifest import Manifest
from ingest.pepper import Pepper
from ingest.progress import Progress, Report, each, silent
from ingest.soundness import damaged
from ingest.workspace import Workspace

VERSION = 1
_LIST = "ringfence-backup.json"
_LONGEST_LIST = 64 << 20
_PIECE = 1 << 20
_WAIT_SECONDS = 24 * 3600.0

_FILES = ("alerted.json", "audit.anchor", "followed.json", "layout.json", "roles.toml")
_FOLDERS = ("inbox", "reference")
# What the archive may hold: the names above, the ledger, the case file.
_TOPS = frozenset({*_FILES, *_FOLDERS, "cases.sqlite", "ledger"})
# What opening a workspace makes in it; a restore may replace it.
_OF_OPENING = frozenset({"layout.json", "locks"})


@dataclass(frozen=True)
class Contents:
    """What an archive holds, and the fingerprint of its ledger."""

    files: int
    bytes: int
    fingerprint: str


def backup(
    workspace: Workspace,
    file: Path,
    person: Person,
    clock: datetime,
    progress: Progress = silent,
) -> Contents:
    """Write the archive, whole or not at all; audited as `person`'s deed.

    Waits for an ingest that is under way. `clock` is naive UTC. Raises `BackupError`
    when a segment is damaged: such a ledger is no backup.
    """
    _audit(workspace, person, clock)
    with (
        workspace.lock("ledger", _WAIT_SECONDS),
        tempfile.TemporaryDirectory(prefix="backup-", dir=workspace.root) as spool,
    ):
        manifest = Ledger.open(workspace).manifest
        wrong = next(damaged(workspace.ledger, manifest, progress), None)
        if wrong:
            raise BackupError(f"{wrong}: nothing is backed up; see `ringfence check`")
        held = dict(_held(workspace, manifest, Path(spool)))
        sizes = {name: path.stat().st_size for name, path in held.items()}
        adding = each(progress, "adding up", sizes)
        sums = {name: _summed(held[name]) for name in adding}
        listed = {
            "version": VERSION,
            "fingerprint": manifest.fingerprint,
            "files": sums,
        }
        building = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            text = json.dumps(listed, sort_keys=True).encode()
            writing = each(progress, "writing", sizes)
            _write(building, text, ((name, held[name]) for name in writing))
            building.replace(file)
        finally:
            building.unlink(missing_ok=True)
    size = sum(int(one["bytes"]) for one in sums.values())
    return Contents(len(held), size, manifest.fingerprint)


def restore(root: Path, file: Path, progress: Progress = silent) -> Contents:
    """Make the workspace at `root` of an archive, whole or not at all.

    Raises `UsageError` when something is there already, and `BackupError` when the
    archive is damaged or is not what its list says.
    """
    _refuse_taken(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    staging = root.with_name(f".{root.name}.restoring")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        contents = _unpack(file, staging, progress)
        _verify(staging, contents, progress)
        if root.exists():
            shutil.rmtree(root)
        staging.rename(root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return contents


def _audit(workspace: Workspace, person: Person, clock: datetime) -> None:
    cases = Cases.open(workspace, Pepper.load().secret)
    try:
        cases.record(Entry(clock, person.name, "backup", "workspace", {}), person)
    finally:
        cases.close()


def _held(
    workspace: Workspace, manifest: Manifest, spool: Path
) -> Iterator[tuple[str, Path]]:
    """Name what goes in. The anchor comes before the cases: an entry that is written
    between the two is then one that the anchor does not know yet."""
    if (workspace.ledger / "manifest.json").exists():
        yield "ledger/manifest.json", workspace.ledger / "manifest.json"
    for segment in manifest.segments:
        yield f"ledger/{segment.name}", workspace.ledger / segment.name
    for name in _FILES:
        if (workspace.root / name).is_file():
            copy = spool / name
            shutil.copy2(workspace.root / name, copy)
            yield name, copy
    for folder in _FOLDERS:
        for path in sorted((workspace.root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(workspace.root).as_posix(), path
    if not os.environ.get("RINGFENCE_CASES_URL") and workspace.cases.exists():
        copy = spool / "cases.sqlite"
        with (
            closing(sqlite3.connect(workspace.cases)) as cases,
            closing(sqlite3.connect(copy)) as copied,
        ):
            cases.backup(copied)
        yield "cases.sqlite", copy


def _write(file: Path, listed: bytes, held: Iterable[tuple[str, Path]]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as raw,
        tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        archive.addfile(_entry(_LIST, len(listed)), io.BytesIO(listed))
        for name, path in held:
            entry = _entry(name, path.stat().st_size)
            entry.mtime = int(path.stat().st_mtime)
            with path.open("rb") as body:
                archive.addfile(entry, body)
        archive.close()
        raw.flush()
        os.fsync(raw.fileno())


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _summed(path: Path) -> dict[str, Any]:
    with path.open("rb") as body:
        digest = hashlib.file_digest(body, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _refuse_taken(root: Path) -> None:
    if root.is_dir() and {path.name for path in root.iterdir()} - _OF_OPENING:
        raise UsageError(
            f"workspace {root} is not empty: restore into a new one (--workspace)"
        )
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is a file: restore into a folder (--workspace)")


def _unpack(file: Path, staging: Path, progress: Progress) -> Contents:
    seen: set[str] = set()
    done = 0
    try:
        with tarfile.open(file, "r:") as archive:
            listed = _list(archive)
            files: Mapping[str, Mapping[str, Any]] = listed["files"]
            size = sum(int(one["bytes"]) for one in files.values())
            for entry in archive:
                if entry.name == _LIST and not seen:
                    continue
                progress(Report("unpacking", done, size, "bytes", entry.name))
                _take(archive, entry, files, staging, seen)
                done += entry.size
            fingerprint = str(listed["fingerprint"])
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{file} is no backup, or is damaged ({error})") from error
    missing = sorted(set(files) - seen)
    if missing:
        raise BackupError(f"{file} lacks {missing[0]}: it was cut short or changed")
    return Contents(len(files), size, fingerprint)


def _list(archive: tarfile.TarFile) -> dict[str, Any]:
    first = archive.next()
    if first is None or first.name != _LIST or first.size > _LONGEST_LIST:
        raise ValueError("its list of files does not come first")
    body = archive.extractfile(first)
    listed: dict[str, Any] = json.load(body) if body else {}
    if listed["version"] > VERSION:
        raise BackupError(
            f"the backup is of version {listed['version']}, this program knows "
            f"{VERSION}: install a newer Ringfence"
        )
    return listed


def _take(
    archive: tarfile.TarFile,
    entry: tarfile.TarInfo,
    files: Mapping[str, Mapping[str, Any]],
    staging: Path,
    seen: set[str],
) -> None:
    """Unpack one entry, if it is a plain file that the list knows, in its place."""
    parts = PurePosixPath(entry.name).parts
    inside = "/".join(parts) == entry.name and ".." not in parts and parts[0] in _TOPS
    if entry.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or not inside:
        raise ValueError(f"{entry.name!r} is no file of a workspace")
    if entry.name in seen or entry.name not in files:
        raise ValueError(f"{entry.name!r} is not in its list, or comes twice")
    seen.add(entry.name)
    body = archive.extractfile(entry)
    path = staging / entry.name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        size, digest = _copied(body, target) if body else (0, "")
    expected = files[entry.name]
    if (size, digest) != (expected["bytes"], expected["sha256"]):
        raise ValueError(f"{entry.name!r} is not what its list says")
    os.utime(path, (entry.mtime, entry.mtime))


def _copied(body: IO[bytes], target: IO[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while piece := body.read(_PIECE):
        size += len(piece)
        digest.update(piece)
        target.write(piece)
    target.flush()
    os.fsync(target.fileno())
    return size, digest.hexdigest()


def _verify(staging: Path, contents: Contents, progress: Progress) -> None:
    """Hold the ledger against its own manifest before it is put in place."""
    manifest = Manifest.read(staging / "ledger")
    if manifest is None:
        return
    wrong = next(damaged(staging / "ledger", manifest, progress), None)
    if wrong or manifest.fingerprint != contents.fingerprint:
        raise BackupError(
            f"the backup's ledger is not what its list says ({wrong or 'fingerprint'}):"
            " use an older backup"
        )
