"""The embedded database's process: shared, private, gone with its last user."""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from graph import embedded
from graph.store import Store
from ingest.errors import StoreError
from ingest.workspace import Workspace


@pytest.fixture
def workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_java: None
) -> Iterator[Workspace]:
    monkeypatch.setenv("RINGFENCE_DATABASE_GRACE", "0.5")
    opened = Workspace.open(tmp_path / "workspace")
    yield opened
    embedded.stop(opened)


def _pid(workspace: Workspace) -> int:
    pid: int = json.loads((workspace.database / "server.json").read_text())["pid"]
    return pid


def _wait(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_it_is_shared_and_ends_with_its_last_user(workspace: Workspace) -> None:
    with Store(workspace, None) as first:
        first.run("CREATE (:A {id: 1})", write=True)
        with Store(workspace, None) as second:
            assert second.address.uri == first.address.uri
            assert second.run("MATCH (a:A) RETURN a.id AS id") == [{"id": 1}]
        time.sleep(1)
        assert embedded.is_running(workspace)
    assert _wait(lambda: not embedded.is_running(workspace))
    with Store(workspace, None) as third:
        assert third.run("MATCH (a:A) RETURN a.id AS id") == [{"id": 1}]


def test_many_at_once_start_one(workspace: Workspace) -> None:
    with ThreadPoolExecutor(4) as pool:
        seats = list(pool.map(lambda _: embedded.join(workspace), range(4)))
    assert len({seat.port for seat in seats}) == 1
    for seat in seats:
        seat.leave()


def test_killed_it_is_started_again(workspace: Workspace) -> None:
    with Store(workspace, None) as store:
        store.run("CREATE (:A {id: 1})", write=True)
        os.kill(_pid(workspace), signal.SIGKILL)
        assert store.run("MATCH (a:A) RETURN a.id AS id") == [{"id": 1}]


def test_it_is_private(workspace: Workspace) -> None:
    with Store(workspace, None) as store:
        kept = workspace.database / "password"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert stat.S_IMODE(workspace.database.stat().st_mode) == 0o700
        password = kept.read_text().strip()
        assert len(password) >= 32
        for path in workspace.database.rglob("*"):
            if path.is_file() and path != kept:
                assert password.encode() not in path.read_bytes()
        assert store.address.uri.startswith("bolt://127.0.0.1:")


def test_stop_ends_it_while_in_use(workspace: Workspace) -> None:
    seat = embedded.join(workspace)
    embedded.stop(workspace)
    assert not embedded.is_running(workspace)
    seat.leave()


def test_a_server_that_does_not_start_says_why(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_DATABASE_HEAP", "nonsense")
    with pytest.raises(
        StoreError, match=r"did not start \(.+\): see .+ or set NEO4J_URI"
    ):
        embedded.join(workspace)
    assert not embedded.is_running(workspace)
