"""Workspaces of older layouts are brought up to this one, newer ones are refused."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from ingest import checksums, layout
from ingest.errors import LayoutError
from ingest.ledger import Ledger
from ingest.manifest import VERSION, Manifest
from ingest.soundness import check_ledger
from ingest.workspace import Workspace

FIXTURES = Path(__file__).parent / "layouts"
# What the program that wrote version 1 said of it.
FINGERPRINT = "1b46781a97233b3195ed0cb9670e7935fd6d26b38f0e63d903832aa6faf06a97"


def test_a_workspace_of_version_1_is_brought_up(tmp_path: Path) -> None:
    with tarfile.open(FIXTURES / "workspace-1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    workspace = Workspace.open(tmp_path / "workspace")
    assert json.loads((workspace.root / "layout.json").read_text()) == {
        "version": layout.VERSION
    }
    assert json.loads((workspace.ledger / "manifest.json").read_text())["seal"]
    assert Ledger.open(workspace).fingerprint == FINGERPRINT
    assert [one.sound for one in check_ledger(workspace)] == [True]
    (snapshot,) = (p for p in workspace.derived.iterdir() if p.is_dir())
    assert list(checksums.damaged(snapshot)) == []


def test_a_migration_that_broke_off_is_done_again(tmp_path: Path) -> None:
    test_a_workspace_of_version_1_is_brought_up(tmp_path)
    workspace = Workspace(tmp_path / "workspace")
    (workspace.root / "layout.json").unlink()
    Workspace.open(workspace.root)
    manifest = Manifest.read(workspace.ledger)
    assert manifest is not None
    assert manifest.version == VERSION


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps({"version": layout.VERSION + 1}), "install a newer Ringfence"),
        ('{"version": ', "damaged"),
        ("[]", "damaged"),
    ],
)
def test_a_newer_or_damaged_layout_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "layout.json").write_text(text)
    with pytest.raises(LayoutError, match=said):
        Workspace.open(tmp_path)
    assert (tmp_path / "layout.json").read_text() == text
