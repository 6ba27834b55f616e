"""The floor of all work on event files: DuckDB counts their lines by type.

Run as `python -m benchmarks.counting FOLDER`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from ingest.workspace import Resources

_COUNT = """
    SELECT type, count(*) FROM read_ndjson_auto(?, union_by_name = true)
    GROUP BY type ORDER BY type
"""


def main(folder: Path) -> None:
    """Print the number of events of each type in the NDJSON files of a folder."""
    resources = Resources.from_environment()
    config = {"memory_limit": resources.memory, "threads": str(resources.threads)}
    with duckdb.connect(config=dict(config)) as connection:
        connection.execute("SET enable_progress_bar = false")
        files = str(folder / "*.ndjson")
        for kind, count in connection.execute(_COUNT, [files]).fetchall():
            sys.stdout.write(f"{kind} {count}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
