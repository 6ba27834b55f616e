"""Questions: saved queries, and verdicts held against labels."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import (
    WorkspaceOption,
    print_json,
    printable,
    workspace_at,
)
from ingest.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

_FRAMES = ("numpy", "pandas", "pyarrow")


class TableFormat(StrEnum):
    """How `ringfence query` prints rows."""

    table = "table"
    csv = "csv"
    json = "json"


def query(
    name: Annotated[str | None, typer.Argument(help="A query of `queries/`.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="k=v")] = None,
    print_as: Annotated[TableFormat, typer.Option("--format")] = TableFormat.table,
    workspace: WorkspaceOption = None,
) -> None:
    """Run a saved Cypher query; without a name, list them."""
    with _without_frames():
        from graph.catalogue import catalogue
        from graph.store import Store

    queries = catalogue()
    if name is None:
        for known in sorted(queries):
            typer.echo(f"{known:34} {queries[known].summary}")
        return
    if name not in queries:
        raise UsageError(f"no query is called {name!r}: `ringfence query` lists them")
    given = dict(_pair(text) for text in param or [])
    with Store.open(workspace_at(workspace)) as store:
        rows = queries[name].run(store, **given)
    _print_rows(rows, queries[name].columns, print_as)


@contextmanager
def _without_frames() -> Iterator[None]:
    """Import the database's driver without the libraries of frames that it would load.

    It takes their values too, which no query here gives it; loading them takes longer
    than an answer.
    """
    hidden = [name for name in _FRAMES if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--param {text!r} is not k=v")
    return name, value


def _print_rows(
    rows: list[dict[str, object]], columns: tuple[str, ...], print_as: TableFormat
) -> None:
    if print_as is TableFormat.json:
        for row in rows:
            print_json(row)
    elif print_as is TableFormat.csv:
        _print_csv(rows, columns)
    else:
        _print_table([[row[column] for column in columns] for row in rows], columns)


def _print_csv(rows: list[dict[str, object]], columns: tuple[str, ...]) -> None:
    import csv

    import pandas as pd

    from graph.exports.cells import safe_cells

    # As objects, so that a whole number beside an empty cell stays whole; quoted,
    # because a carriage return alone ends a row where it stands bare.
    frame = safe_cells(pd.DataFrame(rows, columns=list(columns), dtype=object))
    frame.to_csv(
        sys.stdout, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC
    )


def _print_table(rows: list[list[object]], columns: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        # Text, not markup: what attackers typed must not style the terminal.
        texts = ("" if value is None else str(value) for value in row)
        table.add_row(*(Text(printable(text)) for text in texts))
    Console().print(table)


def evaluate(
    labels: Annotated[Path, typer.Option(help="CSV: account_id, abusive, ring_id.")],
    keys: Annotated[Path | None, typer.Option(help="CSV: key_id, replayed.")] = None,
    tenants: Annotated[
        Path | None,
        typer.Option(help="CSV: tenant_id, drained, culprit_type, culprit."),
    ] = None,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Leave out each family of evidence.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Score the verdicts, and simple rules beside them, against labels."""
    from commands.bars import bars
    from graph.ablations import ablate
    from graph.derived import Snapshot
    from graph.detect import Settings
    from graph.evaluate import evaluate as hold_against
    from graph.evaluate import read_labels
    from graph.evaluate_subjects import evaluate_keys, evaluate_tenants
    from graph.rivals import beside_rivals

    opened = workspace_at(workspace)
    snapshot = Snapshot.current(opened)
    truth = read_labels(labels)
    with bars("scoring the verdicts") as progress:
        tables = dict(hold_against(snapshot, truth).tables)
        tables["beside simple rules"] = beside_rivals(snapshot.connect(), truth)
        if keys:
            tables["keys"] = evaluate_keys(snapshot, keys)
        if tenants:
            tables["tenants"] = evaluate_tenants(snapshot, tenants, opened)
        if ablations:
            told = ablate(opened, truth, Settings(), progress)
            tables["without each family"] = told
    for title, table in tables.items():
        _print_frame(title, table)


def _print_frame(title: str, table: pd.DataFrame) -> None:
    typer.echo(f"\n{title}")
    typer.echo(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


def replay(
    labels: Annotated[Path, typer.Option(help="CSV: account_id, abusive, ring_id.")],
    step_hours: Annotated[int, typer.Option(help="Hours between looks.")] = 1,
    workspace: WorkspaceOption = None,
) -> None:
    """Walk the log in event time: how soon each theft is seen."""
    from datetime import timedelta

    from commands.bars import bars
    from graph.detect import Settings
    from graph.evaluate import read_labels
    from graph.replay import replay as walk

    opened, truth = workspace_at(workspace), read_labels(labels)
    step = timedelta(hours=step_hours)
    with bars() as progress:
        tables = walk(opened, truth, step, Settings(), progress)
    for title, table in tables.items():
        _print_frame(title, table)


def policy(workspace: WorkspaceOption = None) -> None:
    """Dollars stopped and honest users touched, by threshold and rung."""
    from graph.derived import Snapshot
    from graph.policy import curve

    _print_frame("policy", curve(Snapshot.current(workspace_at(workspace))))
