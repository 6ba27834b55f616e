"""The floors of all work on event files: DuckDB counts their lines, or stores them.

Run as `python -m benchmarks.counting FOLDER [FILE]`. Without FILE it counts lines by
their type; with it, it writes every field as the text it is into one Parquet file:
nothing is checked, keyed, compared with what came before, or made durable.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from ingest.contract import FIELDS
from ingest.workspace import Resources

_COUNT = """
    SELECT type, count(*) FROM read_ndjson_auto(?, union_by_name = true)
    GROUP BY type ORDER BY type
"""


def _connect() -> duckdb.DuckDBPyConnection:
    resources = Resources.from_environment()
    config = {"memory_limit": resources.memory, "threads": str(resources.threads)}
    connection = duckdb.connect(config=dict(config))
    connection.execute("SET enable_progress_bar = false")
    return connection


def count(files: str) -> None:
    """Print the number of events of each type."""
    with _connect() as connection:
        for kind, number in connection.execute(_COUNT, [files]).fetchall():
            sys.stdout.write(f"{kind} {number}\n")


def store(files: str, target: Path) -> None:
    """Write all fields of all events into `target`, and print how many events."""
    with _connect() as connection:
        texts = dict.fromkeys(FIELDS, "VARCHAR")
        found = connection.read_json(files, format="newline_delimited", columns=texts)
        found.write_parquet(str(target), compression="zstd")
        stored = connection.read_parquet(str(target))
        sys.stdout.write(f"{len(stored)}\n")


def main(folder: Path, target: Path | None = None) -> None:
    """Count the NDJSON files of a folder, or store them where a `target` is given."""
    files = str(folder / "*.ndjson")
    if target is None:
        count(files)
    else:
        store(files, target)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
