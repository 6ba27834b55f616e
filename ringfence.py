"""The command line: results on standard output or in files, progress on standard error.

Exit status 0: done; 1: the work could not be done, with one line that says what and
how to mend it; 2: wrong usage. Rooms are imported inside the commands, so that
`ringfence --help` answers at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.errors import RingfenceError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from ingest.workspace import Workspace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find, explain and stop LLM token theft.",
)
neo4j_app = typer.Typer(no_args_is_help=True, help="A real Neo4j without Docker.")
reference_app = typer.Typer(no_args_is_help=True, help="Ranges, domains and prices.")
app.add_typer(neo4j_app, name="neo4j")
app.add_typer(reference_app, name="reference")

DEFAULT_WORKSPACE = Path("ringfence-data")
_LOOK_EVERY_SECONDS = 5.0
_WORKSPACE = typer.Option(
    "--workspace", envvar="RINGFENCE_WORKSPACE", help="Where everything is kept."
)
WorkspaceOption = Annotated[Path | None, _WORKSPACE]
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


@app.callback()
def _before(workspace: WorkspaceOption = None) -> None:
    _choice.workspace = workspace


def _open(workspace: Path | None) -> Workspace:
    from ingest.workspace import Workspace

    return Workspace.open(workspace or _choice.workspace or DEFAULT_WORKSPACE)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, sort_keys=False, default=str))


def _moment(text: str | None) -> datetime | None:
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


@app.command()
def ingest(
    paths: Inputs,
    source: SourceOption = None,
    table: Tables = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Read files or folders into the ledger; prints the counts as one JSON line."""
    _print_json(_ingest(_open(workspace), paths, source, table))


def _ingest(
    workspace: Workspace,
    inputs: list[str],
    source: str | None = None,
    tables: list[str] | None = None,
) -> dict[str, int]:
    from dataclasses import asdict

    from ingest.ledger import Ledger
    from ingest.sources.database import Database, is_url, tables_of

    ledger = Ledger.open(workspace)
    if not any(is_url(text) for text in inputs):
        return asdict(ledger.ingest([Path(text) for text in inputs], source=source))
    if len(inputs) > 1 or source is None:
        raise UsageError("a database is read alone, with --source naming its records")
    database = Database.at(inputs[0])
    with database.spooled(workspace, tables_of(source, tables or ())) as paths:
        return asdict(ledger.ingest(paths, source=source))


@app.command()
def detect(
    as_of: AsOf = None,
    base_rate: BaseRate = 0.05,
    link_kind: LinkKinds = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Link accounts, cluster them, weigh verdicts over the ledger."""
    snapshot = _detect(_open(workspace), _moment(as_of), base_rate, link_kind)
    _print_json({"as_of": snapshot["as_of"], "snapshot": snapshot["snapshot"]})


def _detect(
    workspace: Workspace,
    as_of: datetime | None = None,
    base_rate: float = 0.05,
    link_kinds: list[str] | None = None,
) -> dict[str, str]:
    from graph.decisions import hand_over
    from graph.detect import Settings
    from graph.detect import detect as run_detection

    if not 0 < base_rate < 1:
        raise UsageError(f"--base-rate {base_rate} is no share: give 0.05 for 5 %")
    settings = Settings(
        base_rate=base_rate,
        further_kinds=tuple(link_kinds or ()),
        looking_back=as_of is not None,
    )
    hand_over(workspace)
    snapshot = run_detection(workspace, as_of, settings, progress=_say)
    return {
        "as_of": snapshot.as_of.isoformat() + "Z",
        "snapshot": snapshot.folder.name,
    }


@app.command()
def publish(workspace: WorkspaceOption = None) -> None:
    """Write the graph and the verdicts to the graph database."""
    _print_json(_publish(_open(workspace)))


def _publish(workspace: Workspace) -> dict[str, object]:
    from dataclasses import asdict

    from graph.derived import Snapshot
    from graph.publish import publish as run_publishing
    from graph.store import Store

    with Store.open(workspace) as store:
        return asdict(
            run_publishing(workspace, Snapshot.current(workspace), store, _say)
        )


class Exportable(StrEnum):
    """What `ringfence export` writes."""

    accounts = "accounts"
    clusters = "clusters"
    keys = "keys"
    tenants = "tenants"
    bans = "bans"


@app.command()
def export(
    what: Exportable,
    out: Annotated[Path, typer.Option(help="File; its ending says the format.")],
    format_name: Annotated[
        str | None, typer.Option("--format", help="For bans: a format of the registry.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write accounts, clusters, keys, tenants, or the approved bans."""
    opened = _open(workspace)
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


@app.command()
def run(
    paths: Inputs,
    out: Annotated[Path, typer.Option(help="Folder for the four exports.")],
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
    opened = _open(workspace)

    def once(inputs: list[str]) -> None:
        _print_json(_ingest(opened, inputs, source))
        _detect(opened, _moment(as_of), base_rate)
        for path in _export_all(opened, out):
            typer.echo(str(path))
        if not no_publish:
            _print_json(_publish(opened))
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

    _say(f"watching {', '.join(map(str, folders))} (Ctrl-C ends it)")
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
    _say(f"{sent} alerts sent")


@app.command()
def webhook(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8787,
    inbox: Annotated[Path | None, typer.Option(help="Where bodies are kept.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve signed Stripe and GitHub deliveries on the loopback."""
    import time

    from ingest.webhook import Inbox, Secrets, server

    folder = inbox or _open(workspace).root / "inbox"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    taking = Inbox(folder, Secrets.from_environment(), time.time)
    with server(taking, port) as serving, suppress(KeyboardInterrupt):
        _say(f"listening on http://127.0.0.1:{serving.server_address[1]}")
        _say(f"follow it with: ringfence run --follow {folder} --out OUT")
        serving.serve_forever()


def _export_all(workspace: Workspace, out: Path) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    names = ("accounts", "clusters", "keys", "tenants")
    return [_export_table(workspace, name, out / f"{name}.csv") for name in names]


class TableFormat(StrEnum):
    """How `ringfence query` prints rows."""

    table = "table"
    csv = "csv"
    json = "json"


@app.command()
def query(
    name: Annotated[str | None, typer.Argument(help="A query of `queries/`.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="k=v")] = None,
    print_as: Annotated[TableFormat, typer.Option("--format")] = TableFormat.table,
    workspace: WorkspaceOption = None,
) -> None:
    """Run a saved Cypher query; without a name, list them."""
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
    with Store.open(_open(workspace)) as store:
        rows = queries[name].run(store, **given)
    _print_rows(rows, queries[name].columns, print_as)


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
            _print_json(row)
    elif print_as is TableFormat.csv:
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([row[column] for column in columns] for row in rows)
    else:
        _print_table([[row[column] for column in columns] for row in rows], columns)


def _print_table(rows: list[list[object]], columns: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        # Text, not markup: what attackers typed must not style the terminal.
        table.add_row(*(Text(_printable(value)) for value in row))
    Console().print(table)


def _printable(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


@app.command()
def evaluate(
    labels: Annotated[Path, typer.Option(help="CSV: account_id, abusive, ring_id.")],
    keys: Annotated[Path | None, typer.Option(help="CSV: key_id, replayed.")] = None,
    tenants: Annotated[
        Path | None,
        typer.Option(help="CSV: tenant_id, drained, culprit_type, culprit."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Score the verdicts against labels."""
    from graph.derived import Snapshot
    from graph.evaluate import evaluate as hold_against
    from graph.evaluate import read_labels
    from graph.evaluate_subjects import evaluate_keys, evaluate_tenants

    snapshot = Snapshot.current(_open(workspace))
    tables = dict(hold_against(snapshot, read_labels(labels)).tables)
    if keys:
        tables["keys"] = evaluate_keys(snapshot, keys)
    if tenants:
        tables["tenants"] = evaluate_tenants(snapshot, tenants)
    for title, table in tables.items():
        _print_frame(title, table)


def _print_frame(title: str, table: pd.DataFrame) -> None:
    typer.echo(f"\n{title}")
    typer.echo(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


@app.command()
def replay(
    labels: Annotated[Path, typer.Option(help="CSV: account_id, abusive, ring_id.")],
    step_hours: Annotated[int, typer.Option(help="Hours between looks.")] = 1,
    workspace: WorkspaceOption = None,
) -> None:
    """Walk the log in event time: how soon each theft is seen."""
    from datetime import timedelta

    from graph.detect import Settings
    from graph.evaluate import read_labels
    from graph.replay import replay as walk

    step = timedelta(hours=step_hours)
    tables = walk(_open(workspace), read_labels(labels), step, Settings(), _say)
    for title, table in tables.items():
        _print_frame(title, table)


@app.command()
def policy(workspace: WorkspaceOption = None) -> None:
    """Dollars stopped and honest users touched, for each threshold and rung."""
    from graph.derived import Snapshot
    from graph.policy import curve

    _print_frame("policy", curve(Snapshot.current(_open(workspace))))


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8501,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the investigators' page on 127.0.0.1."""
    _ui(_open(workspace), port)


def _ui(workspace: Workspace, port: int) -> None:
    import os
    import subprocess

    script = Path(__file__).with_name("app.py")
    command = [
        sys.executable, "-m", "streamlit", "run", str(script),
        "--server.address", "127.0.0.1", "--server.port", str(port),
        "--server.headless", "true", "--browser.gatherUsageStats", "false",
    ]  # fmt: skip
    _say(f"the page: http://127.0.0.1:{port} (Ctrl-C ends it)")
    environment = os.environ | {"RINGFENCE_WORKSPACE": str(workspace.root)}
    try:
        status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        status = 0
    raise typer.Exit(status)


@app.command()
def demo(
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="End after the summary.")
    ] = False,
    accounts: Annotated[int, typer.Option(help="Size of the made world.")] = 5000,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 7,
    port: Annotated[int, typer.Option(help="Of the page.")] = 8501,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a labelled world, run everything over it, and open the page."""
    from demo.world import make
    from graph.summary import summarise

    opened = _open(workspace)
    world = opened.root / "world"
    _say(f"making a world of {accounts} accounts")
    make(world, accounts=accounts, seed=seed)
    counts = _ingest(opened, [str(world / "events")])
    _detect(opened)
    _publish(opened)
    out = opened.root / "exports"
    _export_all(opened, out)
    typer.echo(summarise(opened, counts, out))
    if not no_ui:
        _ui(opened, port)


@neo4j_app.command("start")
def neo4j_start(workspace: WorkspaceOption = None) -> None:
    """Start a local Neo4j Community and print how to reach it."""
    from graph.neo4j_local import start

    for line in start(_open(workspace), _say):
        typer.echo(line)


@neo4j_app.command("stop")
def neo4j_stop(workspace: WorkspaceOption = None) -> None:
    """Stop the local Neo4j."""
    from graph.neo4j_local import stop

    typer.echo(stop(_open(workspace)))


@neo4j_app.command("status")
def neo4j_status(workspace: WorkspaceOption = None) -> None:
    """Say whether the local Neo4j runs, and where."""
    from graph.neo4j_local import status

    typer.echo(status(_open(workspace)))


@reference_app.command("update")
def reference_update(file: Path, workspace: WorkspaceOption = None) -> None:
    """Take newer ranges, domains or prices from a file."""
    from ingest.ledger import Ledger
    from ingest.reference import update

    opened = _open(workspace)
    entries = update(opened, file)
    Ledger.open(opened).reclassify()
    typer.echo(f"{entries:,} entries taken from {file}")


def main() -> None:
    """Entry point of the `ringfence` command."""
    try:
        app()
    except UsageError as error:
        _say(f"ringfence: {error}")
        sys.exit(2)
    except (RingfenceError, OSError) as error:
        _say(f"ringfence: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
