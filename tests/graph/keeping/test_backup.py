"""A backup comes back as it was, and no archive that lies is taken."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from graph.access import Person
from graph.backup import backup, restore
from graph.soundness import check_cases
from ingest.errors import BackupError, UsageError
from ingest.ledger import Ledger
from ingest.progress import Report
from ingest.soundness import check_ledger
from ingest.workspace import Workspace

ANA = Person("ana", frozenset({"investigator"}))
NOON = datetime.fromisoformat("2026-06-02T12:00")

Entries = dict[str, bytes]


def _tables(workspace: Workspace) -> dict[str, list[object]]:
    with sqlite3.connect(workspace.cases) as cases:
        names = [
            n
            for (n,) in cases.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        return {n: cases.execute(f'SELECT * FROM "{n}"').fetchall() for n in names}


def _read(file: Path) -> Entries:
    with tarfile.open(file) as archive:
        found = {entry.name: archive.extractfile(entry) for entry in archive}
        return {name: body.read() for name, body in found.items() if body}


def _write(file: Path, entries: Entries) -> Path:
    with tarfile.open(file, "w") as archive:
        for name, body in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return file


def test_a_backup_comes_back_whole(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "roles.toml").write_text('[local]\nname = "ana"\nroles = []\n')
    (workspace.root / "reference").mkdir()
    (workspace.root / "reference" / "domains-x.parquet").write_bytes(b"some list")
    told: list[Report] = []
    written = backup(workspace, tmp_path / "b.tar", ANA, NOON, told.append)
    target = tmp_path / "new" / "workspace"
    assert restore(target, tmp_path / "b.tar", told.append) == written
    totals = {one.what: one.total for one in told}
    assert list(totals) == ["checking the ledger", "adding up", "writing", "unpacking"]
    assert totals["adding up"] == totals["writing"] == written.bytes
    assert totals["unpacking"] == written.bytes
    again = Workspace.open(target)
    assert Ledger.open(again).fingerprint == written.fingerprint
    assert Ledger.open(again).manifest == Ledger.open(workspace).manifest
    assert _tables(again) == _tables(workspace)
    assert (target / "reference" / "domains-x.parquet").read_bytes() == b"some list"
    assert (target / "roles.toml").exists()
    findings = [*check_ledger(again), *check_cases(again)]
    assert [one.text for one in findings if not one.sound] == []


def test_no_secret_and_nothing_derived_is_in_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    backup(workspace, tmp_path / "b.tar", ANA, NOON)
    tops = {name.split("/")[0] for name in _read(tmp_path / "b.tar")}
    assert tops == {
        "ringfence-backup.json", "ledger", "cases.sqlite", "audit.anchor",
        "layout.json",
    }  # fmt: skip
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert b"a pepper for the tests" not in (tmp_path / "b.tar").read_bytes()


def test_a_damaged_ledger_is_no_backup(workspace: Workspace, tmp_path: Path) -> None:
    (segment,) = (workspace.ledger / "vault").iterdir()
    segment.write_bytes(segment.read_bytes()[:-1] + b"?")
    with pytest.raises(BackupError, match=r"vault.*nothing is backed up"):
        backup(workspace, tmp_path / "b.tar", ANA, NOON)
    assert list(tmp_path.glob("*b.tar*")) == []


def test_a_workspace_in_use_is_never_replaced(
    workspace: Workspace, tmp_path: Path
) -> None:
    backup(workspace, tmp_path / "b.tar", ANA, NOON)
    before = sorted(workspace.root.rglob("*"))
    with pytest.raises(UsageError, match="not empty"):
        restore(workspace.root, tmp_path / "b.tar")
    assert sorted(workspace.root.rglob("*")) == before


def _listed(entries: Entries, extra: str, body: bytes = b"x") -> Entries:
    """The archive with one more file, which its list vouches for."""
    note = json.loads(entries["ringfence-backup.json"])
    digest = hashlib.sha256(body).hexdigest()
    note["files"][extra] = {"bytes": len(body), "sha256": digest}
    return {**entries, "ringfence-backup.json": json.dumps(note).encode(), extra: body}


def _flipped(entries: Entries) -> Entries:
    (name,) = (n for n in entries if n.startswith("ledger/events/"))
    return {**entries, name: entries[name][:-1] + b"?"}


def _reordered(entries: Entries) -> Entries:
    return dict(reversed(entries.items()))


LIES: dict[str, Callable[[Entries], Entries]] = {
    "a changed segment": _flipped,
    "an unlisted file": lambda held: {**held, "roles.toml": b"x"},
    "a missing file": lambda held: {n: b for n, b in held.items() if "vault" not in n},
    "its list last": _reordered,
    "another ledger": lambda held: {
        **held,
        "ringfence-backup.json": held["ringfence-backup.json"].replace(
            b'"fingerprint": "', b'"fingerprint": "0'
        ),
    },
    "a newer version": lambda held: {
        **held,
        "ringfence-backup.json": held["ringfence-backup.json"].replace(
            b'"version": 1', b'"version": 99'
        ),
    },
    "an empty archive": lambda _: {},
    **{
        f"an escape to {name!r}": lambda held, name=name: _listed(held, name)  # type: ignore[misc]
        for name in (
            "../x", "/etc/x", "ledger/../../x", "ledger/./x", "ledger//x", "x",
            "derived/current.json", ".ssh/x", "ledger/..", "C:\\x", "\\\\host\\x",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_lies_is_refused(
    lie: str, workspace: Workspace, tmp_path: Path
) -> None:
    backup(workspace, tmp_path / "b.tar", ANA, NOON)
    entries = LIES[lie](_read(tmp_path / "b.tar"))
    with pytest.raises(BackupError):
        restore(tmp_path / "new", _write(tmp_path / "c.tar", entries))
    assert {path.name for path in tmp_path.iterdir()} == {
        "b.tar", "c.tar", "workspace",
    }  # fmt: skip


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_pipes_are_refused(
    kind: bytes, workspace: Workspace, tmp_path: Path
) -> None:
    backup(workspace, tmp_path / "b.tar", ANA, NOON)
    with tarfile.open(tmp_path / "b.tar", "a") as archive:
        entry = tarfile.TarInfo("roles.toml")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(BackupError, match="no file of a workspace"):
        restore(tmp_path / "new", tmp_path / "b.tar")


def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(b"no archive" * 99)
    with pytest.raises(BackupError, match="is no backup"):
        restore(tmp_path / "new", tmp_path / "b.tar")
