"""Keeping a workspace in order."""

from __future__ import annotations

from pathlib import Path

import typer

from commands.options import WorkspaceOption, workspace_at


def check(workspace: WorkspaceOption = None) -> None:
    """Verify ledger, derived tables, graph and cases; status 1 where one is wrong."""
    from graph.soundness import check_cases, check_derived, check_graph
    from ingest.soundness import check_ledger

    opened, sound = workspace_at(workspace), True
    for part in (check_ledger, check_derived, check_graph, check_cases):
        for finding in part(opened):
            sound &= finding.sound
            state = "ok   " if finding.sound else "WRONG"
            typer.echo(f"{state}  {finding.part:8} {finding.text}")
    if not sound:
        raise typer.Exit(1)


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
