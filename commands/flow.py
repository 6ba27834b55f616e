"""From records to the graph: ingest, detect, publish, and all of it in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.exporting import export_tables
from commands.options import (
    AsOf,
    BaseRate,
    Inputs,
    LinkKinds,
    SourceOption,
    Tables,
    WorkspaceOption,
    moment,
    print_json,
    say,
    workspace_at,
)
from ingest.errors import UsageError

if TYPE_CHECKING:
    from graph.engine import Engine
    from ingest.workspace import Workspace

_LOOK_EVERY_SECONDS = 5.0


class EngineName(StrEnum):
    """What runs the linking."""

    duckdb = "duckdb"
    spark = "spark"


def ingest(
    paths: Inputs,
    source: SourceOption = None,
    table: Tables = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Read files or folders into the ledger. Prints the counts as one JSON line."""
    print_json(take_in(workspace_at(workspace), paths, source, table))


def take_in(
    workspace: Workspace,
    inputs: list[str],
    source: str | None = None,
    tables: list[str] | None = None,
) -> dict[str, int]:
    """Read files, folders or a database into the ledger; give the counts."""
    from dataclasses import asdict

    from commands.bars import bars
    from ingest.ledger import Ledger
    from ingest.sources.database import Database, is_url, tables_of

    ledger = Ledger.open(workspace)
    if not any(is_url(text) for text in inputs):
        with bars() as progress:
            paths = [Path(text) for text in inputs]
            return asdict(ledger.ingest(paths, source, progress))
    if len(inputs) > 1 or source is None:
        raise UsageError("a database is read alone, with --source naming its records")
    database = Database.at(inputs[0])
    wanted = tables_of(source, tables or ())
    with (
        bars("reading the database") as progress,
        database.spooled(workspace, wanted) as spooled,
    ):
        return asdict(ledger.ingest(spooled, source, progress))


def detect(
    as_of: AsOf = None,
    base_rate: BaseRate = 0.05,
    link_kind: LinkKinds = None,
    engine: Annotated[
        EngineName, typer.Option(help="Where linking runs.")
    ] = EngineName.duckdb,
    master: Annotated[
        str, typer.Option(help="With --engine spark: the cluster.")
    ] = "local[*]",
    anew: Annotated[
        bool, typer.Option("--anew", help="Also when nothing has changed.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Link accounts, cluster them, weigh verdicts over the ledger."""
    opened = workspace_at(workspace)
    with _engine(opened, engine, master) as linking:
        snapshot = find_abuse(
            opened, moment(as_of), base_rate, link_kind, linking, anew=anew
        )
    print_json({"as_of": snapshot["as_of"], "snapshot": snapshot["snapshot"]})


@contextmanager
def _engine(workspace: Workspace, name: EngineName, master: str) -> Iterator[Engine]:
    from graph.engine import ONE_MACHINE
    from ingest.ledger import Ledger

    if name is EngineName.duckdb:
        yield ONE_MACHINE
        return
    from graph.spark import spark

    with spark(Ledger.open(workspace), master) as linking:
        yield linking


def find_abuse(
    workspace: Workspace,
    as_of: datetime | None = None,
    base_rate: float = 0.05,
    link_kinds: list[str] | None = None,
    engine: Engine | None = None,
    *,
    anew: bool = False,
) -> dict[str, str]:
    """Run the detection; give the time it looked up to and its snapshot."""
    from commands.bars import bars
    from graph.decisions import hand_over
    from graph.detect import Settings
    from graph.detect import detect as run_detection
    from graph.engine import ONE_MACHINE

    if not 0 < base_rate < 1:
        raise UsageError(f"--base-rate {base_rate} is no share: give 0.05 for 5 %")
    settings = Settings(
        base_rate=base_rate,
        further_kinds=tuple(link_kinds or ()),
        looking_back=as_of is not None,
    )
    hand_over(workspace)
    linking = engine or ONE_MACHINE
    with bars() as progress:
        snapshot = run_detection(
            workspace, as_of, settings, progress, linking, anew=anew
        )
    return {
        "as_of": snapshot.as_of.isoformat() + "Z",
        "snapshot": snapshot.folder.name,
    }


def publish(
    full: Annotated[
        bool, typer.Option("--full", help="Write every row again, and sweep.")
    ] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="First load of the local Neo4j, by its files."),
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the graph and the verdicts to the graph database."""
    opened = workspace_at(workspace)
    written = _import_graph(opened) if offline else write_graph(opened, full=full)
    print_json(written)


def _import_graph(workspace: Workspace) -> dict[str, object]:
    from dataclasses import asdict

    from commands.bars import bars
    from graph.derived import Snapshot
    from graph.publish import publish_offline

    current = Snapshot.current(workspace)
    with bars() as progress:
        return asdict(publish_offline(workspace, current, say, progress))


def write_graph(workspace: Workspace, *, full: bool = False) -> dict[str, object]:
    """Publish the current snapshot; give what was written."""
    from dataclasses import asdict

    from commands.bars import bars
    from graph.derived import Snapshot
    from graph.publish import publish as run_publishing
    from graph.store import Store

    with Store.open(workspace) as store, bars() as progress:
        current = Snapshot.current(workspace)
        return asdict(run_publishing(workspace, current, store, progress, full=full))


def run(
    paths: Inputs,
    out: Annotated[
        Path, typer.Option(readable=False, help="Folder for the four exports.")
    ],
    no_publish: Annotated[bool, typer.Option("--no-publish")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what comes in.")
    ] = False,
    webhook: Annotated[
        str | None, typer.Option(help="With --follow: where alerts are posted.")
    ] = None,
    source: SourceOption = None,
    as_of: AsOf = None,
    base_rate: BaseRate = 0.05,
    workspace: WorkspaceOption = None,
) -> None:
    """Ingest, detect, publish and export in one go."""
    opened = workspace_at(workspace)

    def once(inputs: list[str]) -> None:
        print_json(take_in(opened, inputs, source))
        find_abuse(opened, moment(as_of), base_rate)
        for path in export_tables(opened, out):
            typer.echo(str(path))
        if not no_publish:
            print_json(write_graph(opened))
        if webhook:
            _alert(opened, webhook)

    if follow:
        _follow(opened, [Path(text) for text in paths], once)
    else:
        once(paths)


def _follow(
    workspace: Workspace, folders: list[Path], once: Callable[[list[str]], None]
) -> None:
    import time

    from ingest.follow import follow

    def wait() -> bool:
        time.sleep(_LOOK_EVERY_SECONDS)
        return True

    say(f"watching {', '.join(map(str, folders))} (Ctrl-C ends it)")
    with suppress(KeyboardInterrupt):
        follow(
            folders,
            workspace.root / "followed.json",
            lambda files: once([str(path) for path in files]),
            wait,
        )


def _alert(workspace: Workspace, url: str) -> None:
    import os

    from graph.alerts import alerts, tell
    from graph.derived import Snapshot

    secret = os.environ.get("RINGFENCE_WEBHOOK_SECRET", "")
    now = datetime.now(UTC).replace(tzinfo=None)
    found = alerts(Snapshot.current(workspace))
    sent = tell(found, workspace.root / "alerted.json", url, secret, now)
    say(f"{sent} alerts sent")
