"""A small workspace with a ledger, one snapshot and one decision, of layout 1."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from ingest.workspace import Workspace

FIXTURE = Path(__file__).parents[2] / "ingest" / "layouts" / "workspace-1.tar.gz"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace, brought up to the present layout."""
    monkeypatch.setenv("RINGFENCE_PEPPER", "a pepper for the tests of the ledger")
    monkeypatch.setenv("RINGFENCE_THREADS", "2")
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    return Workspace.open(tmp_path / "workspace")
