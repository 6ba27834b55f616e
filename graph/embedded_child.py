"""The embedded database's own process: `python -m graph.embedded_child FOLDER …`.

It serves Bolt on the loopback for as long as anyone holds a shared lock on
`users.lock`, and ends some seconds after the last one let go. Only this module knows
ArcadeDB.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

DATABASE = "ringfence"
_LOOK_EVERY_SECONDS = 0.25
_SETTINGS = {
    "mode": "production",
    "host": "127.0.0.1",
    "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
    "bolt_host": "127.0.0.1",
}


class _AskedToStop:
    """Whether a signal has asked this process to end."""

    said = False

    def hear(self, _signal: int, _frame: FrameType | None) -> None:
        self.said = True


def main(folder: Path, grace_seconds: float, heap: str) -> None:
    """Serve the database in `folder` until `grace_seconds` after its last user left.

    `heap` is the Java heap, such as `2g`. The password is read from the file
    `password`; pid and port are told in `server.json` once Bolt answers.
    """
    os.umask(0o077)
    alive = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # ArcadeDB writes its log beside the working directory, whatever it is told.
    os.chdir(folder)
    asked = _AskedToStop()
    stop, port = _serve(folder, heap)
    signal.signal(signal.SIGTERM, asked.hear)
    signal.signal(signal.SIGINT, asked.hear)
    _announce(folder, port)
    users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    _wait_while_used(users, asked, grace_seconds)
    stop()
    (folder / "server.json").unlink(missing_ok=True)
    # The Java threads outlive a plain return; the kernel drops the locks.
    os._exit(0)


def _serve(folder: Path, heap: str) -> tuple[Callable[[], None], int]:
    os.environ["ARCADEDB_JVM_ERROR_FILE"] = str(folder / "jvm-error.log")
    import arcadedb_embedded
    from arcadedb_embedded.jvm import start_jvm

    start_jvm(heap_size=heap)
    bolt = _free_port()
    server = arcadedb_embedded.create_server(
        root_path=str(folder / "files"),
        root_password=(folder / "password").read_text(encoding="ascii").strip(),
        config=_SETTINGS | {"bolt_port": bolt, "http_port": _free_port()},
    )
    server.start()
    server.create_database(DATABASE)
    return server.stop, bolt


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _announce(folder: Path, port: int) -> None:
    draft = folder / ".server.json"
    draft.write_text(json.dumps({"pid": os.getpid(), "port": port}) + "\n")
    draft.replace(folder / "server.json")


def _wait_while_used(users: int, asked: _AskedToStop, grace_seconds: float) -> None:
    """Return once asked to stop, or holding `users` alone after the grace time."""
    last_used = time.monotonic()
    while not asked.said:
        time.sleep(_LOOK_EVERY_SECONDS)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            last_used = time.monotonic()
            continue
        if time.monotonic() - last_used >= grace_seconds:
            return
        fcntl.flock(users, fcntl.LOCK_UN)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
