"""One ingest at work: chunk after chunk is checked, keyed, judged and staged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from ingest.contract import FIELDS
from ingest.duplicates import OF_EARLIER, OF_NOW, judge
from ingest.keying import IDENTIFIER_COLUMNS, VAULT_COLUMNS, Keying
from ingest.manifest import Segment
from ingest.pepper import Pepper
from ingest.readers.chunks import Chunk
from ingest.routes import ROUTES, Route
from ingest.sifting import sift
from ingest.sql import count, fill, first, literal

QUARANTINE_COLUMNS = {
    "file": "VARCHAR",
    "line": "BIGINT",
    "reason": "VARCHAR",
    "text": "VARCHAR",
}

EVENT_COLUMNS = {name: kind.value for name, kind in FIELDS.items()} | {"key": "UBIGINT"}

_EMPTY = "CREATE TEMP TABLE $name ($columns)"
_BLANK = "CREATE OR REPLACE TEMP VIEW $name AS FROM blank_events"
_VIEW = """
    CREATE OR REPLACE TEMP VIEW $name AS
    SELECT * FROM blank_events UNION ALL BY NAME SELECT * FROM $files
"""
_REFUSED_HERE = """
    INSERT INTO quarantined
    SELECT names.name, refusals.line, refusals.reason, refusals.text
    FROM refusals JOIN names ON names.file = refusals.file
"""
_REFUSED = """
    INSERT INTO quarantined
    SELECT names.name, records.line, refused.reason,
           rtrim(coalesce(records.raw, records.record), chr(10) || chr(13))
    FROM refused JOIN records USING (nr) JOIN names ON names.file = records.file
"""
_CONFLICTS = """
    INSERT INTO conflicts
    SELECT ids.event_id, verdicts.verdict, names.name, records.line,
           rtrim(coalesce(records.raw, records.record), chr(10) || chr(13))
    FROM verdicts JOIN ids USING (nr) JOIN records USING (nr)
    JOIN names ON names.file = records.file
    WHERE verdicts.verdict IN ('conflict', 'conflict earlier')
"""
_REPEATS = """
    INSERT INTO repeats
    SELECT event_id FROM verdicts JOIN ids USING (nr)
    WHERE verdict = 'duplicate'
"""
_CONTESTED = """
    INSERT INTO contested
    SELECT DISTINCT event_id FROM verdicts JOIN ids USING (nr)
    WHERE verdict = 'contested'
"""
_CONFLICTS_OUT = """
    INSERT INTO quarantined
    SELECT file, line,
           CASE WHEN verdict = 'conflict' THEN $now ELSE $earlier END, text
    FROM conflicts
"""
_NEW_ROWS = "SELECT * FROM rows_$route ANTI JOIN verdicts USING (nr)"
_FILLED = "SELECT count(*), sum(body) % 18446744073709551616, $counts FROM ($rows)"


@dataclass(frozen=True)
class Counts:
    """What became of the lines that were read; they always add up."""

    read: int
    accepted: int
    duplicate: int
    quarantined: int


@dataclass
class Staged:
    """What has been written so far and is not yet part of the ledger."""

    segments: list[Segment] = field(default_factory=list)
    events_sum: int = 0

    def rows(self, family: str) -> int:
        """Count the staged rows of a family."""
        return sum(one.rows for one in self.segments if one.family == family)


class Intake:
    """Takes chunks in on its own connection and stages segments in `folder`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        pepper: Pepper,
        folder: Path,
        generation: int,
    ) -> None:
        self.connection = connection
        self.folder = folder
        self.generation = generation
        self.staged = Staged()
        self._keying = Keying(connection, pepper)
        self._written = 0

    def prepare(self, stored: Sequence[Path], names: Sequence[str]) -> None:
        """Make the tables that the work fills; `stored` are the event segments."""
        columns = {
            "blank_events": EVENT_COLUMNS,
            "quarantined": QUARANTINE_COLUMNS,
            "conflicts": {"event_id": "VARCHAR", "verdict": "VARCHAR"}
            | {name: QUARANTINE_COLUMNS[name] for name in ("file", "line", "text")},
            "repeats": {"event_id": "VARCHAR"},
            "contested": {"event_id": "VARCHAR"},
        }
        for name, of in columns.items():
            text = ", ".join(f'"{column}" {kind}' for column, kind in of.items())
            self.connection.execute(fill(_EMPTY, name=name, columns=text))
        numbers = pa.array(np.arange(len(names), dtype=np.int32))
        table = pa.table({"file": numbers, "name": pa.array(names, pa.string())})
        self.connection.register("names", table)
        self._view("stored", stored)
        self._view("staged", [])
        self._keying.prepare()

    def _view(self, name: str, files: Sequence[Path]) -> None:
        if not files:
            self.connection.execute(fill(_BLANK, name=name))
            return
        relation = self.connection.read_parquet(
            [str(file) for file in files], union_by_name=True
        )
        relation.create_view(f"{name}_files", replace=True)
        self.connection.execute(fill(_VIEW, name=name, files=f"{name}_files"))

    def take(self, chunk: Chunk) -> None:
        """Check, key, judge and stage one chunk."""
        numbers = np.arange(chunk.records.num_rows, dtype=np.int64)
        records = chunk.records.append_column("nr", pa.array(numbers))
        self.connection.register("records", records)
        self.connection.register("refusals", chunk.refused)
        sift(self.connection)
        self.connection.execute(_REFUSED_HERE)
        self.connection.execute(_REFUSED)
        self._keying.key()
        if judge(self.connection):
            for statement in (_CONFLICTS, _REPEATS, _CONTESTED):
                self.connection.execute(statement)
        for route in ROUTES:
            self._stage(route)
        self.connection.unregister("records")
        self.connection.unregister("refusals")

    def _stage(self, route: Route) -> None:
        rows = fill(_NEW_ROWS, route=route.name)
        counts = ", ".join(f'count("{name}")' for name in route.fields)
        found = first(self.connection, fill(_FILLED, counts=counts, rows=rows))
        if not found[0]:
            return
        total, body, filled = int(found[0]), int(found[1]), found[2:]
        kept = [n for n, some in zip(route.fields, filled, strict=True) if some]
        columns = ", ".join(f'"{name}"' for name in (*kept, "key"))
        self.write("events", f"SELECT {columns} FROM ({rows})", total)
        self.staged.events_sum += body
        files = [self.folder / one.name for one in self.staged.segments]
        self._view("staged", files)

    def write(self, family: str, query: str, rows: int) -> None:
        """Write a query's rows as a new segment of a family."""
        if not rows:
            return
        (self.folder / family).mkdir(exist_ok=True, mode=0o700)
        name = f"{family}/{self.generation:08d}-{self._written:06d}.parquet"
        self._written += 1
        self.connection.sql(query).write_parquet(
            str(self.folder / name), compression="zstd"
        )
        self.staged.segments.append(Segment.seal(self.folder, name, rows))

    def finish(self, stored: dict[str, Sequence[Path]]) -> Counts:
        """Stage identifiers, vault and quarantine; give the counts of the ingest."""
        reasons = {"now": literal(OF_NOW), "earlier": literal(OF_EARLIER)}
        accepted = self.staged.rows("events")
        self.connection.execute(fill(_CONFLICTS_OUT, **reasons))
        quarantined = count(self.connection, "quarantined")
        duplicate = count(self.connection, "repeats")
        families = {
            "identifiers": ("found_identifiers", IDENTIFIER_COLUMNS, 2),
            "vault": ("found_values", VAULT_COLUMNS, 2),
            "quarantine": ("quarantined", QUARANTINE_COLUMNS, 4),
        }
        for family, (table, columns, keyed) in families.items():
            self._add(family, table, tuple(columns), keyed, stored[family])
        read = accepted + duplicate + quarantined
        return Counts(read, accepted, duplicate, quarantined)

    def _add(
        self,
        family: str,
        table: str,
        columns: tuple[str, ...],
        keyed: int,
        stored: Sequence[Path],
    ) -> None:
        """Write what a family does not hold yet; its first columns tell rows apart."""
        names = ", ".join(f'"{name}"' for name in columns)
        key = ", ".join(f'"{name}"' for name in columns[:keyed])
        query = f"SELECT DISTINCT ON ({key}) {names} FROM {table} ORDER BY {key}"
        if stored:
            relation = self.connection.read_parquet(
                [str(file) for file in stored], union_by_name=True
            )
            relation.create_view("held", replace=True)
            query = f"SELECT * FROM ({query}) ANTI JOIN held USING ({key})"
        self.write(family, query, count(self.connection, f"({query})"))


def take_all(intake: Intake, chunks: Iterator[Chunk]) -> None:
    """Take every chunk in."""
    for chunk in chunks:
        intake.take(chunk)
