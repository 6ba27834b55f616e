"""How a bar looks: what is done, how much of how much, how fast, the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Drawing
from rich.table import Column
from rich.text import Text

from commands.options import printable
from ingest.progress import Progress, Report, silent

_LONGEST = 60


@contextmanager
def drawn(what: str) -> Iterator[Progress]:
    """Draw on standard error what is reported, `what` until something is.

    A terminal that can't move its cursor is left alone.
    """
    console = Console(stderr=True)
    if not console.is_interactive:
        yield silent
        return
    with Drawing(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Amount(table_column=Column(no_wrap=True)),
        _Rate(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=console,
        transient=True,
        redirect_stdout=False,
    ) as drawing:
        drawer = _Drawer(drawing)
        if what:
            drawer.draw(Report(what))
        yield drawer.draw


class _Drawer:
    """Draws what is being done now; each report holds the whole state of one work."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._task: tuple[str, TaskID] | None = None

    def draw(self, report: Report) -> None:
        """Draw a report; one of other work takes the place of the work before it."""
        if self._task is None or self._task[0] != report.what:
            if self._task is not None:
                self._drawing.remove_task(self._task[1])
            self._task = (
                report.what,
                self._drawing.add_task(
                    report.what, total=report.total, unit=report.unit, detail=""
                ),
            )
        self._drawing.update(
            self._task[1],
            completed=report.done,
            total=report.total,
            detail=_short(printable(report.detail)),
        )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class _Amount(ProgressColumn):
    """How much is done, and of how much."""

    def render(self, task: Task) -> Text:
        """Nothing where nothing is counted."""
        unit = str(task.fields["unit"])
        if not unit:
            return Text()
        done = _counted(task.completed, unit)
        whole = task.total is None or unit == "%"
        return Text(done if whole else f"{done} of {_counted(task.total or 0, unit)}")


class _Rate(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """Nothing before a second report has come."""
        unit = str(task.fields["unit"])
        if not unit or task.speed is None:
            return Text()
        return Text(f"{_counted(task.speed, unit)}/s")


def _counted(amount: float, unit: str) -> str:
    if unit == "bytes":
        return decimal(int(amount))
    digits = 0 if amount >= 10 or amount == int(amount) else 1
    return f"{amount:,.{digits}f} {unit}"
