"""Where everything that one installation keeps lies on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest import layout
from ingest.errors import UsageError
from ingest.locks import hold


@dataclass(frozen=True)
class Workspace:
    """One folder of Ringfence's own, private to the user who runs it."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Make the folder on first use, readable by its owner alone.

        A workspace of an older layout is brought up to this program's. Raises
        `UsageError` when the path is taken by a file or can't be written, and
        `LayoutError` when a newer program wrote it.
        """
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(
                f"workspace {root} can't be made ({error.strerror}): "
                "name another with --workspace"
            ) from error
        layout.settle(root.resolve())
        return cls(root.resolve())

    @property
    def ledger(self) -> Path:
        """Event, identifier, vault and quarantine segments with their manifest."""
        return self.root / "ledger"

    @property
    def derived(self) -> Path:
        """What detection made of the ledger; may be thrown away at any time."""
        return self.root / "derived"

    @property
    def database(self) -> Path:
        """Files of the embedded graph database and how to reach it."""
        return self.root / "database"

    @property
    def cases(self) -> Path:
        """The SQLite file of decisions, notes and the audit chain."""
        return self.root / "cases.sqlite"

    @contextmanager
    def lock(self, name: str, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold the workspace's lock called `name`, across processes.

        Raises `BusyError` when another holder keeps it past `wait_seconds`. The
        kernel lets go of it when the process ends, however it ends.
        """
        with hold(self.root, name, wait_seconds):
            yield


@dataclass(frozen=True)
class Resources:
    """How much of the machine one run may use."""

    memory: str
    threads: int

    @classmethod
    def from_environment(cls) -> Resources:
        """Read `RINGFENCE_MEMORY` (such as `2GB`) and `RINGFENCE_THREADS`."""
        threads = os.environ.get("RINGFENCE_THREADS", "")
        if threads and not threads.isdigit():
            raise UsageError(
                f"RINGFENCE_THREADS is {threads!r}: give a whole number, such as 2"
            )
        return cls(
            memory=os.environ.get("RINGFENCE_MEMORY", "2GB"),
            threads=int(threads) if threads else (os.cpu_count() or 1),
        )
