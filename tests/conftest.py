"""The graph databases that tests run on, each started once for the whole session."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph import embedded, neo4j_local
from graph.store import Address, Store
from ingest.errors import StoreError
from ingest.workspace import Workspace

_EMPTY = "MATCH (n) DETACH DELETE n"

# The longest modules come first, so that workers which share the rest end together.
_LONGEST = (
    "torture/test_killed.py",
    "graph/database/test_publish.py",
    "graph/database/test_publish_cut_short.py",
    "graph/test_quality_floors.py",
    "graph/test_spark.py",
    "torture/test_faults.py",
    "views/test_browser.py",
    "torture/test_adversaries.py",
    "graph/database/test_publish_offline.py",
    "graph/test_verdict_properties.py",
    "ingest/test_ledger.py",
    "demo/test_demo_world.py",
    "views/test_pages.py",
    "test_command_line.py",
    "graph/database/test_queries_on_a_world.py",
    "graph/test_batches.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first, each whole."""
    here = Path(__file__).parent
    place = {here / name: at for at, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A pepper of this run's own; the user's and another worker's stay as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Streamlit's AppTest leaves the page as `__main__`, which a child would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def quick_java() -> Iterator[None]:
    """Compiles quickly rather than well: the test databases live for a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCADEDB_JVM_ARGS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


@pytest.fixture(scope="session")
def embedded_store(
    tmp_path_factory: pytest.TempPathFactory, quick_java: None
) -> Iterator[Store]:
    """The embedded database in a folder of its own."""
    workspace = Workspace.open(tmp_path_factory.mktemp("embedded"))
    with Store(workspace, None) as store:
        yield store
    embedded.stop(workspace)


@pytest.fixture(scope="session")
def neo4j_address(
    tmp_path_factory: pytest.TempPathFactory, quick_java: None
) -> Iterator[Address]:
    """A real Neo4j; without one the test is skipped, or fails where it is required."""
    workspace = Workspace.open(tmp_path_factory.mktemp("neo4j"))
    try:
        lines = neo4j_local.start(workspace, port=0)
    except StoreError as error:
        if os.environ.get("RINGFENCE_REQUIRE_NEO4J") == "1":
            raise
        pytest.skip(f"no real Neo4j: {error}")
    uri = lines[0].partition("NEO4J_URI=")[2]
    password = (workspace.root / "neo4j" / "password").read_text()
    yield Address(uri, "neo4j", password, "neo4j")
    neo4j_local.stop(workspace)


@pytest.fixture(scope="session")
def neo4j_store(
    neo4j_address: Address, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store over the real Neo4j."""
    workspace = Workspace.open(tmp_path_factory.mktemp("neo4j-client"))
    with Store(workspace, neo4j_address) as store:
        yield store


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def store(request: pytest.FixtureRequest) -> Store:
    """Each database in turn, empty."""
    chosen: Store = request.getfixturevalue(f"{request.param}_store")
    chosen.run(_EMPTY, write=True)
    return chosen
