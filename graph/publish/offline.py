"""The first publish of a large graph by Neo4j's own offline importer.

It writes the store files of a stopped, empty server from CSV, many times faster than
any driver. So it serves only the server of this workspace that `ringfence neo4j
start` runs; what it leaves is the same graph, note included, as the driver's.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb

from graph import neo4j_local
from graph.derived import Snapshot
from graph.model import NODES, RELATIONSHIPS, Property
from graph.neo4j_local import Say
from graph.publish import cypher, note, stage, steps
from graph.publish.note import Note
from graph.publish.run import Published, batches, lanes_of, open_reader
from graph.publish.stage import Staged
from graph.store import Address, Store
from ingest.errors import StoreError, UsageError
from ingest.progress import Progress, Report, silent
from ingest.workspace import Workspace

_DATABASE = "neo4j"
_RUN = 1
_LIST_SEPARATOR = "\x1f"

# Each property type: what the importer calls it, and its text in the CSV.
_HEADER = {
    "string": ":STRING",
    "strings": ":STRING[]",
    "integer": ":LONG",
    "float": ":DOUBLE",
    "boolean": ":BOOLEAN",
    "datetime": ":DATETIME",
}
_TEXT = {
    "strings": "array_to_string({}, chr(31))",
    # Moments take half the importer's time: it reads this form of ISO 8601 fastest.
    "datetime": "strftime(make_timestamp_ms({}), '%Y%m%dT%H%M%S.%gZ')",
}
_CHUNK = 1 << 24
_ANYTHING = "MATCH (n) RETURN 1 AS held LIMIT 1"


def publish_offline(
    workspace: Workspace,
    snapshot: Snapshot,
    say: Say = lambda _: None,
    progress: Progress = silent,
) -> Published:
    """Make the workspace's own, still empty Neo4j hold the graph; leaves it running.

    Raises `UsageError` when `NEO4J_URI` names another server, `StoreError` when the
    graph is not empty or the importer refuses, `BusyError` while another publishes.
    """
    _refuse_foreign(workspace)
    with workspace.lock("publish"):
        _refuse_filled(workspace, say)
        staged = stage.stage(workspace, snapshot)
        port = neo4j_local.last_port(workspace)
        neo4j_local.stop(workspace)
        folder = workspace.database / "import"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        try:
            progress(Report("writing the importer's files"))
            files = dict(_write_files(staged, folder))
            progress(Report("the importer works"))
            neo4j_local.administer(workspace, _arguments(files, staged, folder), say)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        progress(Report("starting Neo4j"))
        neo4j_local.start(workspace, say, port=port)
        return _finish(workspace, staged)


def _refuse_foreign(workspace: Workspace) -> None:
    named = os.environ.get("NEO4J_URI", "")
    if named and named != neo4j_local.bolt_uri(workspace):
        raise UsageError(
            "--offline writes the files of this workspace's own Neo4j, and NEO4J_URI "
            "names another server: unset it, or publish without --offline"
        )


def _refuse_filled(workspace: Workspace, say: Say) -> None:
    if not neo4j_local.has_data(workspace):
        return
    neo4j_local.start(workspace, say, port=neo4j_local.last_port(workspace))
    with _store(workspace) as store:
        if store.run(_ANYTHING):
            raise StoreError(
                "the local Neo4j holds a graph already: publish without --offline, "
                "which writes what changed"
            )


def _store(workspace: Workspace) -> Store:
    uri = neo4j_local.bolt_uri(workspace)
    password = neo4j_local.known_password(workspace)
    return Store(workspace, Address(uri, "neo4j", password, _DATABASE))


def _finish(workspace: Workspace, staged: Staged) -> Published:
    """Constraints, empty lists and the note, which the importer does not write."""
    with _store(workspace) as store:
        for text in cypher.constraints():
            store.run(text, write=True)
        _write_empty_lists(store, staged)
        begun = Note(staged.digest, "", "create", _RUN, lanes_of(store))
        note.begin(store, begun)
        note.finish(store, begun)
    nodes = sum(staged.count(node.label) for node in NODES)
    return Published("import", nodes, staged.size - nodes, 0)


def _write_empty_lists(store: Store, staged: Staged) -> None:
    with open_reader() as connection:
        for step in steps.write_empty_lists(staged):
            for rows in batches(connection, step):
                store.run(step.text, {"rows": rows}, write=True)


def _write_files(staged: Staged, folder: Path) -> Iterator[tuple[str, str]]:
    """Write each label's and type's rows; gives the importer's option for each."""
    with open_reader() as connection:
        for node in NODES:
            key = (f"id:ID({node.label})",)
            rest = tuple(p for p in node.properties if p.name != "id")
            _write(connection, staged, folder / node.label, key, rest)
            yield node.label, f"--nodes={node.label}="
        for kind in RELATIONSHIPS:
            ends = (f":START_ID({kind.start})", f":END_ID({kind.end})")
            _write(connection, staged, folder / kind.type, ends, kind.properties)
            yield kind.type, f"--relationships={kind.type}="


def _write(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    path: Path,
    ends: tuple[str, ...],
    properties: tuple[Property, ...],
) -> None:
    """A header and the rows; what is missing stays unquoted, what is empty does not."""
    keys = ("id",) if len(ends) == 1 else ("start_id", "end_id")
    header = [*ends, *(p.name + _HEADER[p.type] for p in properties)]
    header.append(f"{cypher.TAG}:LONG")
    path.with_suffix(".header").write_text(",".join(header) + "\n", encoding="utf-8")
    cells = [_TEXT.get(p.type, "{}").format(f'"{p.name}"') for p in properties]
    chosen = ", ".join([*keys, *cells, str(_RUN)])
    connection.read_parquet(staged.rows(path.name)).project(chosen).write_csv(
        str(path.with_suffix(".csv")),
        header=False,
        quotechar='"',
        escapechar='"',
        quoting=csv.QUOTE_ALL,
    )


def _arguments(files: dict[str, str], staged: Staged, folder: Path) -> list[str]:
    given = [
        f"{option}{folder / name}.header,{folder / name}.csv"
        for name, option in files.items()
    ]
    broken = [
        str(folder / f"{name}.csv")
        for name in files
        if has_line_break(folder / f"{name}.csv", staged.count(name))
    ]
    if broken:
        # One thread alone reads those, so the others are not named.
        given += [f"--multiline-fields={','.join(broken)}"]
        given += ["--multiline-fields-format=v2"]
    return [
        "database", "import", "full", _DATABASE, "--overwrite-destination=true",
        "--id-type=string", "--bad-tolerance=0",
        f"--array-delimiter={_LIST_SEPARATOR}", f"--report-file={folder / 'report'}",
        *given,
    ]  # fmt: skip


def has_line_break(path: Path, rows: int) -> bool:
    """Whether a text among the `rows` of a CSV file has a line break."""
    ends = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if b"\r" in chunk:
                return True
            ends += chunk.count(b"\n")
    return ends != rows
