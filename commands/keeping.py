"""Keeping a workspace in order."""

from __future__ import annotations

from pathlib import Path

import typer

from commands.options import WorkspaceOption, workspace_at

reference = typer.Typer(no_args_is_help=True, help="Ranges, domains and prices.")


@reference.command("update")
def reference_update(file: Path, workspace: WorkspaceOption = None) -> None:
    """Take newer ranges, domains or prices from a file."""
    from ingest.ledger import Ledger
    from ingest.reference import update

    opened = workspace_at(workspace)
    entries = update(opened, file)
    Ledger.open(opened).reclassify()
    typer.echo(f"{entries:,} entries taken from {file}")
