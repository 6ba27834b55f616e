"""Locks across processes: files that the kernel lets go of when their holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import BusyError


@contextmanager
def hold(root: Path, name: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock called `name` of the workspace at `root`.

    Raises `BusyError` when another holder keeps it past `wait_seconds`.
    """
    folder = root / "locks"
    folder.mkdir(exist_ok=True, mode=0o700)
    deadline = time.monotonic() + wait_seconds
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try(descriptor):
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"another process holds the {name} lock of {root}: "
                    "let it finish, then run this again"
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def is_held(lock: Path) -> bool:
    """Whether some process holds the lock file: a pid alone may be another's by now."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
