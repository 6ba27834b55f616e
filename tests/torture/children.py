"""The `ringfence` command in a process of its own, forked with all imported."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

FORKED = multiprocessing.get_context("forkserver")
# Said once for all tests, as a server that runs takes no more. What a child that became
# nobody may be unable to load is in it, too: parsing a call loads pydantic.
FORKED.set_forkserver_preload(
    ["ringfence", "graph.detect", "graph.publish", "graph.store", "ingest.ledger",
     "pydantic.type_adapter"]
)  # fmt: skip

Before = Callable[[], None]


@dataclass(frozen=True)
class Done:
    """How a command ended; a status below zero is the signal that ended it."""

    status: int
    out: str
    said: str


def ringfence(
    workspace: Path,
    *arguments: str,
    before: Before | None = None,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run the command over a workspace and wait for it.

    `before` is called in the child first, to take something away from it; it must be
    a function that pickles. `environment` is added to that of the tests.
    """
    with TemporaryDirectory() as folder:
        process = start(workspace, arguments, Path(folder), before, environment)
        process.join()
        texts = (_read(Path(folder) / name) for name in ("out", "said"))
        return Done(process.exitcode or 0, *texts)


def start(
    workspace: Path,
    arguments: tuple[str, ...],
    folder: Path,
    before: Before | None = None,
    environment: Mapping[str, str] | None = None,
) -> multiprocessing.process.BaseProcess:
    """Begin a command whose outputs go to the files `out` and `said` of `folder`."""
    called = ("ringfence", "--workspace", str(workspace), *arguments)
    surroundings = {**os.environ, **(environment or {})}
    given = (called, folder, before, surroundings)
    process = FORKED.Process(target=_command, args=given)
    process.start()
    return process


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _command(
    called: tuple[str, ...],
    folder: Path,
    before: Before | None,
    environment: Mapping[str, str],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, name in ((1, "out"), (2, "said")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, descriptor)
    sys.argv = list(called)
    from ringfence import main

    if before is not None:
        before()
    main()
