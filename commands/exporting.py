"""Tables and approved bans as files."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import WorkspaceOption, workspace_at
from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.workspace import Workspace


class Exportable(StrEnum):
    """What `ringfence export` writes."""

    accounts = "accounts"
    clusters = "clusters"
    keys = "keys"
    tenants = "tenants"
    bans = "bans"


def export(
    what: Exportable,
    out: Annotated[
        Path, typer.Option(readable=False, help="File; its ending says the format.")
    ],
    format_name: Annotated[
        str | None, typer.Option("--format", help="For bans: a format of the registry.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write accounts, clusters, keys, tenants, or the approved bans."""
    from commands.bars import bars

    opened = workspace_at(workspace)
    with bars(f"exporting {what.value}"):
        if what is Exportable.bans:
            written = _export_bans(opened, format_name, out)
        else:
            written = [_export_table(opened, what.value, out)]
    for path in written:
        typer.echo(str(path))


def _export_table(workspace: Workspace, name: str, out: Path) -> Path:
    from graph.derived import Snapshot
    from graph.exports.tables import write_table

    write_table(Snapshot.current(workspace), name, out)
    return out


def _export_bans(
    workspace: Workspace, format_name: str | None, out: Path
) -> list[Path]:
    from graph.exports import FORMATS, export_bans

    if format_name is None:
        raise UsageError(f"--format is missing: choose of {', '.join(sorted(FORMATS))}")
    return list(export_bans(workspace, format_name, out, datetime.now(UTC)))


def export_tables(workspace: Workspace, out: Path) -> list[Path]:
    """Write the four tables of the export contract as CSV."""
    from commands.bars import bars
    from ingest.progress import Report

    out.mkdir(parents=True, exist_ok=True)
    names = ("accounts", "clusters", "keys", "tenants")
    written = []
    with bars() as progress:
        for done, name in enumerate(names):
            progress(Report("exporting", done, len(names), "tables", name))
            written.append(_export_table(workspace, name, out / f"{name}.csv"))
    return written
