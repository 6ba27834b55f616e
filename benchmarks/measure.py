"""Run a command in a process of its own and tell what it took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
_STOPWATCH = Path(__file__).with_name("stopwatch.py")


class MeasureError(RuntimeError):
    """A measured command failed; the message ends with the last line it said."""


@dataclass(frozen=True)
class Run:
    """One run: seconds by the clock and of processor time, peak memory, its output.

    `peak_mb` is the largest resident set of the process or of one that it waited for.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    said: str


@dataclass(frozen=True)
class Figure:
    """The medians of some runs of one piece of work, and what else they told.

    `work` names it, `size` says on how much; `more` holds figures of its own.
    """

    work: str
    size: int
    runs: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    more: Mapping[str, float] = field(default_factory=dict)


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end, in the root of the project.

    Raises `MeasureError` when it fails.
    """
    with tempfile.NamedTemporaryFile() as told:
        done = subprocess.run(  # noqa: S603 - our own scripts, no shell
            [sys.executable, "-S", "-E", str(_STOPWATCH), told.name, *command],
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
        )
        figures = json.loads(told.read())
    if figures.pop("status"):
        lines = [line for line in done.stderr.split("\n") if line.strip()]
        last = lines[-1] if lines else "it said nothing"
        raise MeasureError(f"{' '.join(command)}: {last}")
    return Run(**figures, said=done.stdout)


def repeat(
    work: str,
    size: int,
    runs: int,
    once: Callable[[], Run],
    more: Callable[[Run], Mapping[str, float]] = lambda _: {},
) -> Figure:
    """Do `once` so many times; medians of all but the peak, which is the largest."""
    made = [once() for _ in range(runs)]
    told = [more(one) for one in made]
    return Figure(
        work=work,
        size=size,
        runs=runs,
        seconds=statistics.median(one.seconds for one in made),
        cpu_seconds=statistics.median(one.cpu_seconds for one in made),
        peak_mb=max(one.peak_mb for one in made),
        more={name: statistics.median(one[name] for one in told) for name in told[0]},
    )
