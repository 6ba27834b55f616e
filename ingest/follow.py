"""A folder that is watched: every complete file is taken once, as it comes.

A file is complete when it looked the same twice in a row. One that grows or is written
anew later is taken again, whole, and the ledger drops what it has. What was taken is
remembered only after the work is done, so a crash leads to a second reading and never
to a file that is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.errors import UsageError

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".swp")

Look = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


@dataclass(frozen=True)
class State:
    """What the last look saw: files that were taken, and those that may still grow."""

    taken: Mapping[str, Look] = field(default_factory=dict)
    waiting: Mapping[str, Look] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> State:
        """Read what was taken; a missing file means nothing was."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls({name: (size, at) for name, (size, at) in told.items()})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise UsageError(
                f"{path} is damaged: delete it, and all files are read again"
            ) from error

    def write(self, path: Path) -> None:
        """Write what was taken, whole or not at all."""
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(dict(sorted(self.taken.items())), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


def new_files(state: State, folders: Sequence[Path]) -> tuple[list[Path], State]:
    """Look once: the files to take now, in order, and the state once they are taken."""
    seen = dict(_look(folders))
    fresh = {name: look for name, look in seen.items() if state.taken.get(name) != look}
    ready = {
        name: look for name, look in fresh.items() if state.waiting.get(name) == look
    }
    waiting = {name: look for name, look in fresh.items() if name not in ready}
    # A file that is gone is forgotten: its name may come again with other records.
    taken = {name: look for name, look in state.taken.items() if name in seen}
    return [Path(name) for name in sorted(ready)], State({**taken, **ready}, waiting)


def _look(folders: Sequence[Path]) -> Iterator[tuple[str, Look]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if path.name.startswith(".") or path.suffix in _UNFINISHED:
                continue
            try:
                told = path.lstat()
            except FileNotFoundError:
                continue
            if path.is_file() and not path.is_symlink():
                yield str(path), (told.st_size, told.st_mtime_ns)


def follow(
    folders: Sequence[Path],
    memory: Path,
    take: Callable[[list[Path]], None],
    wait: Callable[[], bool],
) -> None:
    """Look, take what is new, wait, and again, until `wait` says that it is over.

    `memory` is the file in which it is remembered what was taken. What `take` raises
    ends the watch, and its files come again the next time.
    """
    state = State.read(memory)
    while True:
        files, state = new_files(state, folders)
        if files:
            take(files)
            state.write(memory)
        if not wait():
            return
