"""The command line: one command, results on standard output or in files."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


def main() -> None:
    """Entry point of the `ringfence` command."""
    app()
