"""How far a long piece of work has come, told by whoever does it to whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What is being done, how much of it is done and of how much, counted in `unit`.

    `total` is None where nobody knows. `detail` is for people and may hold a file's
    name as it is: whoever shows it makes it safe.
    """

    what: str
    done: int = 0
    total: int | None = None
    unit: str = ""
    detail: str = ""


Progress = Callable[[Report], None]


def silent(_: Report) -> None:
    """Tell nobody."""


def each(progress: Progress, what: str, sizes: Mapping[str, int]) -> Iterator[str]:
    """Yield the names of files, telling how many of all their bytes lie behind."""
    done, total = 0, sum(sizes.values())
    for name, size in sizes.items():
        progress(Report(what, done, total, "bytes", name))
        yield name
        done += size
