"""The first load by Neo4j's importer: the graph that the driver would have written."""

from __future__ import annotations

import pytest

from graph import neo4j_local
from graph.publish import graph_hash, publish, publish_offline, stage, staged_hash
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


def test_the_importer_is_for_our_own_server(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://db.example:7687")
    with pytest.raises(UsageError, match="NEO4J_URI names another server"):
        publish_offline(world.workspace, world.first())
