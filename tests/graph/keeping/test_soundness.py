"""Damage to derived tables, case file and database is told apart and named."""

from __future__ import annotations

import sqlite3

import pytest

from graph.soundness import check_cases, check_derived, check_graph
from ingest.soundness import Finding
from ingest.workspace import Workspace


def _cases(workspace: Workspace) -> list[Finding]:
    return list(check_cases(workspace))


def test_what_was_written_is_sound(workspace: Workspace) -> None:
    (derived,) = check_derived(workspace)
    assert derived.sound
    assert "rests on all events" in derived.text
    assert _cases(workspace) == [
        Finding("cases", True, "1 audit entries, the chain holds")
    ]
    (graph,) = check_graph(workspace)
    assert graph == Finding("graph", True, "empty: nothing was published yet")


def test_a_changed_table_is_named(workspace: Workspace) -> None:
    (table,) = workspace.derived.glob("*/reasons.parquet")
    table.write_bytes(table.read_bytes()[:-9] + b"x" * 9)
    (found,) = check_derived(workspace)
    assert not found.sound
    assert found.text.startswith("reasons.parquet of ")
    (workspace.derived / "current.json").write_text('{"snapshot": ')
    (found,) = check_derived(workspace)
    assert found.text.endswith("is damaged: run `ringfence detect`")


def test_a_changed_case_file_is_found(workspace: Workspace) -> None:
    with sqlite3.connect(workspace.cases) as file:
        file.execute("UPDATE decisions SET subject_id = 'a2'")
    assert "names another subject" in _cases(workspace)[0].text
    workspace.cases.write_bytes(b"no database at all, " * 200)
    (found,) = _cases(workspace)
    assert not found.sound
    assert "backup" in found.text


def test_a_database_that_is_down_fails_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:9")
    (graph,) = check_graph(workspace)
    assert not graph.sound
    assert graph.text.startswith("not checked: no graph database answers")
    assert all(one.sound for one in check_derived(workspace))
