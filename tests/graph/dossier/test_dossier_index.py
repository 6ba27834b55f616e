"""The index answers what the derived tables answer, only sooner."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from graph.dossier import Dossier
from ingest.workspace import Workspace
from tests.graph.dossier.made import derive, tables

VIEWS = {
    "ties_of_account": "FROM ties_of_account ORDER BY ALL",
    "ties_of_thing": "FROM ties_of_thing ORDER BY ALL",
    "ties_of_cluster": "FROM ties_of_cluster ORDER BY ALL",
}


@pytest.fixture
def dossier(tmp_path: Path) -> Dossier:
    workspace = Workspace.open(tmp_path / "w")
    derive(workspace, tables())
    return Dossier.open(workspace)


def rows(dossier: Dossier) -> dict[str, pd.DataFrame]:
    return {name: dossier.ask(query) for name, query in VIEWS.items()}


def test_the_same_rows_with_and_without_it(dossier: Dossier) -> None:
    before = rows(dossier)
    dossier.index()
    for name, frame in rows(dossier).items():
        assert len(frame) > 0
        assert_frame_equal(frame, before[name])


def test_it_is_built_once_and_read_by_others(dossier: Dossier) -> None:
    dossier.index()
    built = dossier.snapshot.folder / "index.duckdb"
    made = built.stat().st_mtime_ns
    other = Dossier.open(dossier.workspace)
    other.index()
    assert built.stat().st_mtime_ns == made
    assert len(rows(other)["ties_of_thing"]) == len(rows(dossier)["ties_of_thing"])
    assert [path.name for path in dossier.snapshot.folder.glob(".index*")] == []


def test_questions_are_answered_while_it_is_built(dossier: Dossier) -> None:
    wanted = len(dossier.ask(VIEWS["ties_of_thing"]))
    builder = threading.Thread(target=dossier.index)
    builder.start()
    answers = {len(dossier.ask(VIEWS["ties_of_thing"])) for _ in range(20)}
    builder.join()
    assert answers == {wanted}


def test_a_folder_that_is_gone_is_said(dossier: Dossier) -> None:
    for file in dossier.snapshot.folder.iterdir():
        file.unlink()
    dossier.snapshot.folder.rmdir()
    with pytest.raises(duckdb.Error, match="index"):
        dossier.index()
