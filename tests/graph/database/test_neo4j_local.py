"""The local Neo4j: hardened, told how to reach, ended on request."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from graph import neo4j_local
from graph.store import Address, Store
from ingest.errors import StoreError
from ingest.workspace import Workspace


def test_where_none_runs_it_says_so(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    assert "neo4j start" in neo4j_local.status(workspace)
    assert neo4j_local.stop(workspace) == "no local Neo4j runs"


def test_the_first_password_is_known_to_its_file_alone(tmp_path: Path) -> None:
    neo4j_local._configure(tmp_path, 1)
    kept = tmp_path / "password"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    neo4j_local._configure(tmp_path, 2)
    line = (tmp_path / "data" / "dbms" / "auth.ini").read_text()
    assert line.startswith("neo4j:SHA-256,")
    assert kept.read_text() not in line
    assert "listen_address=127.0.0.1:2" in (tmp_path / "conf/neo4j.conf").read_text()


def test_without_a_registry_the_fix_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jgo

    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("RINGFENCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jgo, "build", fail)
    with pytest.raises(StoreError, match=r"no route to host.*compose\.yaml"):
        neo4j_local.start(Workspace.open(tmp_path / "w"), port=0)


@pytest.mark.neo4j
@pytest.mark.parametrize(
    "place", ["'file:///etc/passwd'", "'http://127.0.0.1:9/steal'"]
)
def test_a_query_reads_no_file_and_calls_no_host(
    neo4j_store: Store, place: str
) -> None:
    with pytest.raises(StoreError, match="Cannot load"):
        neo4j_store.run("LOAD CSV FROM " + place + " AS line RETURN line")


@pytest.mark.neo4j
def test_a_reading_session_does_not_write(neo4j_store: Store) -> None:
    with pytest.raises(StoreError, match="refused a statement"):
        neo4j_store.run("CREATE (:A)")


@pytest.mark.neo4j
def test_it_starts_stops_and_keeps_its_data(tmp_path: Path, quick_java: None) -> None:
    workspace = Workspace.open(tmp_path)
    for found in (0, 1):
        lines = neo4j_local.start(workspace, port=0)
        assert neo4j_local.start(workspace, port=0) == lines
        password = (tmp_path / "neo4j" / "password").read_text()
        assert password not in "".join(lines)
        uri = lines[0].removeprefix("export NEO4J_URI=")
        with Store(workspace, Address(uri, "neo4j", password, "neo4j")) as store:
            assert store.run("MATCH (a) RETURN count(a) AS n") == [{"n": found}]
            store.run("CREATE (:A)", write=True)
        assert neo4j_local.stop(workspace) == "the local Neo4j has stopped"
    assert "no local Neo4j runs" in neo4j_local.status(workspace)


def test_a_port_is_free_again_once_its_server_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StoreError, match="is taken"):
            neo4j_local._free_port(port)
        with socket.create_connection(("127.0.0.1", port)):
            # Who closes first keeps the connection in mind for a minute.
            server.accept()[0].close()
    assert neo4j_local._free_port(port) == port
