"""The made snapshot, opened once for all questions."""

from __future__ import annotations

import pytest

from graph.dossier import Dossier
from ingest.workspace import Workspace
from tests.graph.dossier.made import derive, tables


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    opened = Workspace.open(tmp_path_factory.mktemp("dossier"))
    derive(opened, tables())
    return opened


@pytest.fixture(scope="session")
def dossier(workspace: Workspace) -> Dossier:
    return Dossier.open(workspace)
