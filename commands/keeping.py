"""Keeping a workspace in order."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.flow import find_abuse, write_graph
from commands.options import WorkspaceOption, folder_of, print_json, say, workspace_at
from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.workspace import Workspace


def check(workspace: WorkspaceOption = None) -> None:
    """Verify ledger, derived tables, graph and cases. Status 1 where one is wrong."""
    from commands.bars import bars
    from graph.soundness import check_cases, check_derived, check_graph
    from ingest.soundness import check_ledger

    opened, sound = workspace_at(workspace), True
    for part in (check_ledger, check_derived, check_graph, check_cases):
        with bars() as progress:
            findings = list(part(opened, progress))
        for finding in findings:
            sound &= finding.sound
            state = "ok   " if finding.sound else "WRONG"
            typer.echo(f"{state}  {finding.part:8} {finding.text}")
    if not sound:
        raise typer.Exit(1)


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Write ledger, vault, cases, settings to one archive. The pepper is not in it."""
    from commands.bars import bars
    from graph.access import RoleBook
    from graph.backup import backup as write

    opened, now = workspace_at(workspace), datetime.now(UTC).replace(tzinfo=None)
    with bars() as progress:
        written = write(opened, file, RoleBook.of(opened).local, now, progress)
    print_json(asdict(written))
    say("the pepper is not in it: keep that apart, without it the links are lost")
    if os.environ.get("RINGFENCE_CASES_URL"):
        say("nor are the cases: back up the server of RINGFENCE_CASES_URL too")


def restore(
    file: Annotated[Path, typer.Argument(help="The archive to read.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Make a new workspace of an archive. Then detect, publish and check."""
    from commands.bars import bars
    from graph.backup import restore as unpack

    with bars() as progress:
        unpacked = unpack(folder_of(workspace), file, progress)
    print_json(asdict(unpacked))
    say("next: `ringfence detect`, `ringfence publish`, `ringfence check`")


def forget(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    expires: Annotated[
        str | None,
        typer.Option(help="Date until which its events are refused; else a year."),
    ] = None,
    no_publish: Annotated[bool, typer.Option("--no-publish")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Erase an account everywhere. What was derived is made again."""
    from commands.bars import bars
    from graph.access import RoleBook
    from graph.forget import forget as erase

    opened = workspace_at(workspace)
    until, now = _day(expires), datetime.now(UTC)
    made = _derived(opened)
    person = RoleBook.of(opened).local
    with bars("erasing"):
        gone = erase(opened, account, until, person, now.replace(tzinfo=None))
    print_json(
        {
            "events": gone.erased.events,
            "identifiers": gone.erased.identifiers,
            "case_rows": gone.case_rows,
            "files": [str(path) for path in gone.files],
            "refused_until": until.isoformat(),
        }
    )
    _make_again(opened, made, no_publish=no_publish)


def retain(
    days: Annotated[
        int,
        typer.Option(
            min=1, envvar="RINGFENCE_RETENTION_DAYS", help="Age at which events go."
        ),
    ],
    no_publish: Annotated[bool, typer.Option("--no-publish")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Erase events past an age. What only they spoke of goes with them."""
    from commands.bars import bars
    from graph.forget import retain as erase

    opened = workspace_at(workspace)
    made = _derived(opened)
    with bars("erasing"):
        gone = erase(opened, days, datetime.now(UTC).replace(tzinfo=None))
    print_json({"events": gone.events, "identifiers": gone.identifiers})
    if gone.events:
        _make_again(opened, made, no_publish=no_publish)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date() + timedelta(days=365)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--expires {text!r} is no date: write 2027-12-31") from error


def _derived(workspace: Workspace) -> tuple[bool, bool]:
    """Say whether anything was detected, and whether anything was published."""
    detected = (workspace.derived / "current.json").exists()
    embedded = (workspace.database / "files").exists()
    return detected, detected and (embedded or bool(os.environ.get("NEO4J_URI")))


def _make_again(
    workspace: Workspace, made: tuple[bool, bool], *, no_publish: bool
) -> None:
    """Detect and publish anew what an erasure has thrown away."""
    detected, published = made
    if detected:
        find_abuse(workspace)
    if published and not no_publish:
        print_json(write_graph(workspace))
    elif published:
        say("the graph database is behind: run `ringfence publish`")


pepper = typer.Typer(no_args_is_help=True, help="The secret behind keyed hashes.")
reference = typer.Typer(no_args_is_help=True, help="Ranges, domains and prices.")


@pepper.command("rotate")
def pepper_rotate(
    no_publish: Annotated[bool, typer.Option("--no-publish")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Exchange the pepper: every keyed hash is made anew, and every link stays."""
    from commands.bars import bars
    from graph.access import RoleBook
    from graph.rotation import rotate

    opened, now = workspace_at(workspace), datetime.now(UTC).replace(tzinfo=None)
    made = _derived(opened)
    with bars("exchanging the pepper"):
        rotations = rotate(opened, RoleBook.of(opened).local, now)
    print_json({"rotations": rotations})
    _make_again(opened, made, no_publish=no_publish)


@reference.command("update")
def reference_update(file: Path, workspace: WorkspaceOption = None) -> None:
    """Take newer ranges, domains or prices from a file."""
    from ingest.ledger import Ledger
    from ingest.reference import update

    opened = workspace_at(workspace)
    entries = update(opened, file)
    Ledger.open(opened).reclassify()
    typer.echo(f"{entries:,} entries taken from {file}")
