"""What goes on until it is ended: the page, the webhook, a local Neo4j; the demo."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.exporting import export_tables
from commands.flow import find_abuse, take_in, write_graph
from commands.options import WorkspaceOption, say, workspace_at

if TYPE_CHECKING:
    from ingest.workspace import Workspace

neo4j = typer.Typer(no_args_is_help=True, help="A real Neo4j without Docker.")


def webhook(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8787,
    inbox: Annotated[Path | None, typer.Option(help="Where bodies are kept.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve signed Stripe and GitHub deliveries on the loopback."""
    import time

    from ingest.webhook import Inbox, Secrets, server

    folder = inbox or workspace_at(workspace).root / "inbox"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    taking = Inbox(folder, Secrets.from_environment(), time.time)
    with server(taking, port) as serving, suppress(KeyboardInterrupt):
        say(f"listening on http://127.0.0.1:{serving.server_address[1]}")
        say(f"follow it with: ringfence run --follow {folder} --out OUT")
        serving.serve_forever()


def ui(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8501,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the investigators' page on 127.0.0.1."""
    _ui(workspace_at(workspace), port)


def _ui(workspace: Workspace, port: int) -> None:
    import os
    import subprocess

    script = Path(__file__).parents[1] / "app.py"
    command = [
        sys.executable, "-m", "streamlit", "run", str(script),
        "--server.address", "127.0.0.1", "--server.port", str(port),
        "--server.headless", "true", "--browser.gatherUsageStats", "false",
    ]  # fmt: skip
    say(f"the page: http://127.0.0.1:{port} (Ctrl-C ends it)")
    environment = os.environ | {"RINGFENCE_WORKSPACE": str(workspace.root)}
    try:
        status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        status = 0
    raise typer.Exit(status)


def demo(
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="End after the summary.")
    ] = False,
    accounts: Annotated[int, typer.Option(help="Size of the made world.")] = 5000,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 7,
    port: Annotated[int, typer.Option(help="Of the page.")] = 8501,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a labelled world, run all over it, open the page."""
    from commands.bars import bars
    from demo.world import make
    from graph.summary import summarise

    opened = workspace_at(workspace)
    world = opened.root / "world"
    say(f"making a world of {accounts} accounts")
    with bars("making a world"):
        make(world, accounts=accounts, seed=seed)
    counts = take_in(opened, [str(world / "events")])
    find_abuse(opened)
    write_graph(opened)
    out = opened.root / "exports"
    export_tables(opened, out)
    typer.echo(summarise(opened, counts, out))
    if not no_ui:
        _ui(opened, port)


@neo4j.command("start")
def neo4j_start(workspace: WorkspaceOption = None) -> None:
    """Start a local Neo4j Community and print how to reach it."""
    from graph.neo4j_local import start

    for line in start(workspace_at(workspace), say):
        typer.echo(line)


@neo4j.command("stop")
def neo4j_stop(workspace: WorkspaceOption = None) -> None:
    """Stop the local Neo4j."""
    from graph.neo4j_local import stop

    typer.echo(stop(workspace_at(workspace)))


@neo4j.command("status")
def neo4j_status(workspace: WorkspaceOption = None) -> None:
    """Say whether the local Neo4j runs, and where."""
    from graph.neo4j_local import status

    typer.echo(status(workspace_at(workspace)))
