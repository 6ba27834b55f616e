"""The embedded graph database, shared by every Ringfence process of one workspace.

Whoever wants it joins: takes a shared lock on `users.lock` and starts the child
process when none runs. The child ends some seconds after the last lock is gone, so a
killed user leaves nothing behind; a killed child is started again by the next join.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import StoreError
from ingest.locks import is_held
from ingest.workspace import Workspace

USER = "root"
# A command a few seconds later finds the database still warm.
GRACE_SECONDS = 15.0
_START_SECONDS = 90.0
_STOP_SECONDS = 20.0
_LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Seat:
    """One user's place at the embedded database; it runs until all have left."""

    port: int
    password: str
    descriptor: int

    def leave(self) -> None:
        """Give the place up; the database ends soon after the last one did."""
        os.close(self.descriptor)


def join(workspace: Workspace) -> Seat:
    """Take a place at the workspace's database, starting it where it does not run.

    Raises `StoreError` when it can't be started, with the last line of its log.
    """
    folder = workspace.database
    folder.mkdir(exist_ok=True, mode=0o700)
    with workspace.lock("embedded", wait_seconds=_START_SECONDS):
        descriptor = _sit_down(folder)
        try:
            password = _password(folder)
            port = _running_port(folder) or _start(folder)
        except BaseException:
            os.close(descriptor)
            raise
    return Seat(port, password, descriptor)


def is_running(workspace: Workspace) -> bool:
    """Whether the child process lives, be it starting, serving or ending."""
    folder = workspace.database
    return folder.exists() and is_held(folder / "server.lock")


def stop(workspace: Workspace) -> None:
    """End the child process now, whoever uses it; does nothing where none runs."""
    folder = workspace.database
    if is_running(workspace):
        _signal(folder, signal.SIGTERM)
        if not _until(lambda: not is_held(folder / "server.lock"), _STOP_SECONDS):
            _kill(folder)


def _sit_down(folder: Path) -> int:
    """A shared lock on `users.lock`; waits for a child that is just ending."""
    descriptor = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def sits() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    if not _until(sits, _STOP_SECONDS):
        _kill(folder)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _password(folder: Path) -> str:
    path = folder / "password"
    if not path.exists():
        draft = folder / ".password"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
        draft.replace(path)
    return path.read_text(encoding="ascii").strip()


def _running_port(folder: Path) -> int | None:
    """The port of a child that answers; None where a new one must be started."""
    if not is_held(folder / "server.lock"):
        (folder / "server.json").unlink(missing_ok=True)
        return None
    if _until(
        lambda: _answers(folder) or not is_held(folder / "server.lock"), _START_SECONDS
    ) and (is_held(folder / "server.lock")):
        return _told(folder)["port"]
    _kill(folder)
    return None


def _told(folder: Path) -> dict[str, int]:
    told: dict[str, int] = json.loads((folder / "server.json").read_text())
    return told


def _answers(folder: Path) -> bool:
    try:
        port = _told(folder)["port"]
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _start(folder: Path) -> int:
    command = [
        sys.executable,
        "-m",
        "graph.embedded_child",
        str(folder),
        os.environ.get("RINGFENCE_DATABASE_GRACE", str(GRACE_SECONDS)),
        os.environ.get("RINGFENCE_DATABASE_HEAP", "2g"),
    ]
    places = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    log = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # Spawned, not held as a Popen: the child is meant to outlive this process.
    pid = os.posix_spawn(
        sys.executable,
        command,
        os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, places))},
        file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
        setsid=True,
    )
    os.close(log)
    started = _until(lambda: _ended(pid) or _answers(folder), _START_SECONDS)
    if not started or not (folder / "server.json").exists():
        _kill_pid(pid)
        raise StoreError(
            f"the embedded graph database in {folder} did not start "
            f"({_last_line(folder / 'server.log')}): see {folder / 'server.log'}, or "
            "set NEO4J_URI to use a Neo4j server"
        )
    return _told(folder)["port"]


def _ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG) != (0, 0)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:200] if said else "it said nothing"


def _kill(folder: Path) -> None:
    _signal(folder, signal.SIGKILL)
    _until(lambda: not is_held(folder / "server.lock"), _STOP_SECONDS)
    (folder / "server.json").unlink(missing_ok=True)


def _signal(folder: Path, number: signal.Signals) -> None:
    if (folder / "server.json").exists():
        _kill_pid(_told(folder)["pid"], number)


def _kill_pid(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether `holds` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_EVERY_SECONDS)
    return True
