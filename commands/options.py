"""What commands share: their options, the workspace, what they say and print."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.workspace import Workspace

DEFAULT_WORKSPACE = Path("ringfence-data")
_WHERE = "Where everything is kept."
# What can't be read is told by whoever opens it, in the one line that all errors have.
WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", readable=False, help=_WHERE)
]
# The variable is read once: what the call says, before or after its command, wins.
_BeforeOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", envvar="RINGFENCE_WORKSPACE", readable=False, help=_WHERE
    ),
]
Inputs = Annotated[
    list[str], typer.Argument(help="Event files, folders, or a database URL.")
]
Tables = Annotated[
    list[str] | None, typer.Option("--table", help="Tables to read of a database.")
]
SourceOption = Annotated[
    str | None, typer.Option(help="Whose records these are; recognised if not given.")
]
AsOf = Annotated[
    str | None, typer.Option(help="See only events up to this RFC 3339 time.")
]
BaseRate = Annotated[
    float, typer.Option(help="Share of accounts you expect to be abusive.")
]
LinkKinds = Annotated[
    list[str] | None,
    typer.Option("--link-kind", help="Kind of identifier.seen that may link."),
]


@dataclass
class _Choice:
    """The workspace that the call named before its command."""

    workspace: Path | None = None


_choice = _Choice()


def before(workspace: _BeforeOption = None) -> None:
    """Note the workspace that the call named before its command."""
    _choice.workspace = workspace


def folder_of(workspace: Path | None) -> Path:
    """Give the folder of the workspace that a command, the call or nothing names."""
    return (workspace or _choice.workspace or DEFAULT_WORKSPACE).resolve()


def workspace_at(workspace: Path | None) -> Workspace:
    """Open that workspace."""
    from ingest.workspace import Workspace

    return Workspace.open(folder_of(workspace))


def say(text: str) -> None:
    """Tell progress on standard error: one line, whatever a path or value holds."""
    typer.echo(printable(text), err=True)


def printable(text: str) -> str:
    """The text with everything escaped that would move or style a terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def print_json(value: object) -> None:
    """Print a result as one JSON line on standard output."""
    typer.echo(json.dumps(value, sort_keys=False, default=str))


def moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--as-of {text!r} is no RFC 3339 time: write 2026-03-01T12:00:00Z"
        ) from error
    if parsed.tzinfo is None:
        raise UsageError(f"--as-of {text!r} lacks its offset: add Z or +01:00")
    return parsed.astimezone(UTC).replace(tzinfo=None)
