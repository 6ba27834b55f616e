"""The first load by Neo4j's importer: the graph that the driver would have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph import neo4j_local
from graph.publish import graph_hash, publish, publish_offline, stage, staged_hash
from graph.publish.offline import has_line_break
from graph.store import Address, Store
from ingest.errors import StoreError, UsageError
from ingest.workspace import Workspace
from tests.graph.database.published import HOSTILE, Tables, World, soaked


def _own_neo4j(workspace: Workspace) -> Store:
    uri, secret = neo4j_local.bolt_uri(workspace), neo4j_local.known_password(workspace)
    return Store(workspace, Address(uri, "neo4j", secret, "neo4j"))


@pytest.mark.neo4j
def test_the_importer_leaves_the_same_graph_as_the_driver(
    world: World, tables: Tables, quick_java: None
) -> None:
    workspace = world.workspace
    snapshot = world.of(soaked(tables, HOSTILE[3] + ' ";,\\\n\x1f'))
    try:
        assert publish_offline(workspace, snapshot).mode == "import"
        with _own_neo4j(workspace) as own:
            wanted = staged_hash(stage.stage(workspace, snapshot))
            assert graph_hash(own) == wanted
            assert publish(workspace, snapshot, own).mode == "nothing"
            later = world.later()
            assert publish(workspace, later, own).mode == "change"
            assert graph_hash(own) == staged_hash(stage.stage(workspace, later))
        with pytest.raises(StoreError, match="holds a graph already"):
            publish_offline(workspace, snapshot)
    finally:
        neo4j_local.stop(workspace)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("", False),
        ('"a"\n' * 2, False),
        ('"a\nb"\n"c"\n', True),
        ('"a\rb"\n"c"\n', True),
    ],
)
def test_a_file_with_line_breaks_in_its_texts_is_told(
    tmp_path: Path, text: str, broken: bool
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode())
    assert has_line_break(path, 2 if text else 0) is broken


def test_the_importer_is_for_our_own_server(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://db.example:7687")
    with pytest.raises(UsageError, match="NEO4J_URI names another server"):
        publish_offline(world.workspace, world.first())
