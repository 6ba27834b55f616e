"""Run a command in a process of its own and tell what it took."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]


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
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        begun = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own scripts, no shell
            command,
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            stdout=said,
            stderr=complained,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complained.seek(0)
            lines = complained.read().decode(errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), "")
            raise MeasureError(f"{' '.join(command)}: {last}")
        said.seek(0)
        return Run(
            seconds,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024,
            said.read().decode(),
        )


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
