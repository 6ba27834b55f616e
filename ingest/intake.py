"""One ingest at work: chunk after chunk is checked, keyed, judged and staged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.contract import FIELDS
from ingest.duplicates import OF_EARLIER, OF_NOW, Judge, body_of
from ingest.keying import IDENTIFIER_COLUMNS, VAULT_COLUMNS, Keying
from ingest.readers.chunks import CHUNK, Chunk
from ingest.routes import ROUTES
from ingest.secrets import Redactor
from ingest.sifting import Sieve, Sifted
from ingest.sources.adapt import adapt
from ingest.sql import count, fill, first
from ingest.staging import Staging
from ingest.tombstones import ERASED, Forgotten

QUARANTINE_COLUMNS: Mapping[str, str] = {
    "file": "VARCHAR",
    "line": "BIGINT",
    "reason": "VARCHAR",
    "text": "VARCHAR",
}
EVENT_COLUMNS: Mapping[str, str] = {
    **{name: kind.value for name, kind in FIELDS.items()},
    "key": "UBIGINT",
}

# Planning a quick check costs as much as the exact check of so many.
_MANY = 2_000
# The exact check makes a row of each field of each record: some kilobytes a record.
_MOST_DOUBTED = 1 << 16

# Rows that are out of the database at a time, and in one segment.
_MOST_AT_ONCE = 1 << 18

_TABLES: Mapping[str, Mapping[str, str]] = {
    "blank_events": EVENT_COLUMNS,
    "staged_keys": {"key": "UBIGINT"},
    "quarantined": QUARANTINE_COLUMNS,
    "conflicts": {"event_id": "VARCHAR", **QUARANTINE_COLUMNS},
    "repeats": {"event_id": "VARCHAR"},
    "contested": {"event_id": "VARCHAR"},
}
_TABLE = "CREATE TEMP TABLE $name ($columns)"
_VIEW = """
    CREATE OR REPLACE TEMP VIEW $name AS
    SELECT $columns FROM (SELECT * FROM blank_events UNION ALL BY NAME FROM $files)
"""
_REPEATS = """
    INSERT INTO repeats SELECT event_id FROM verdicts WHERE verdict = 'duplicate'
"""
_CONTESTED = """
    INSERT INTO contested
    SELECT DISTINCT event_id FROM verdicts WHERE verdict = 'contested'
"""
_CONFLICTING = "SELECT * FROM verdicts WHERE verdict LIKE 'conflict%' ORDER BY nr"
_NEW_ROWS = "SELECT * FROM rows ANTI JOIN verdicts USING (nr)"
_SUM = "SELECT (sum($body) % 18446744073709551616)::VARCHAR FROM $rows"

_DISTINCT = "SELECT DISTINCT ON ($key) $every FROM $table"
_NOT_HELD = " ANTI JOIN held USING ($key)"
_BY_KEY = " ORDER BY $key"


@dataclass(frozen=True)
class Counts:
    """What became of the lines that were read; they always add up."""

    read: int
    accepted: int
    duplicate: int
    quarantined: int


@dataclass
class _Waiting:
    """Records kept until there are enough of them to be worth a pass."""

    tables: list[pa.Table] = field(default_factory=list)
    size: int = 0

    def add(self, records: pa.Table) -> bool:
        """Keep records; say whether it is time for a pass."""
        if records.num_rows:
            self.tables.append(records)
            self.size += records.get_total_buffer_size()
        return self.size >= CHUNK

    def drain(self) -> pa.Table | None:
        tables, self.tables, self.size = self.tables, [], 0
        return pa.concat_tables(tables) if tables else None


class Intake:
    """Takes chunks in on its own connection and stages what is new."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        keying: Keying,
        staging: Staging,
        files: Sequence[str],
        forgotten: Forgotten,
    ) -> None:
        self.connection = connection
        self.forgotten = forgotten
        self.staging = staging
        self.events_sum = 0
        self.files = files
        self.keying = keying
        self.redactor = Redactor(keying.pepper)
        self._sieve = Sieve(connection)
        self._judge = Judge(connection, self._show_staged)
        self._doubted = _Waiting()
        self._waiting = {name: _Waiting() for name in (*ROUTES, "")}

    def prepare(self, stored: Sequence[Path]) -> None:
        """Make the tables that the work fills; `stored` are the event segments."""
        for name, of in _TABLES.items():
            columns = ", ".join(f'"{column}" {kind}' for column, kind in of.items())
            self.connection.execute(fill(_TABLE, name=name, columns=columns))
        self._show("stored", stored)
        self._show("staged", ())
        self.keying.prepare()

    def take(self, chunk: Chunk) -> None:
        """Take one chunk in; some of it may wait for `flush`."""
        records, refused = adapt(self.connection, chunk)
        self.quarantine(refused)
        if records.num_rows:
            for name, mine in self._sieve.part(records).items():
                if self._waiting[name].add(mine):
                    self._flush(name)

    def flush(self) -> None:
        """Take in what still waits."""
        for name in self._waiting:
            self._flush(name)
        self._flush_doubted()

    def _flush(self, name: str) -> None:
        records = self._waiting[name].drain()
        if records is None:
            return
        doubted = records
        if name in ROUTES and records.num_rows >= _MANY:
            sifted, doubted = self._sieve.quick(ROUTES[name], records)
            self._admit_others(sifted)
        if self._doubted.add(doubted):
            self._flush_doubted()

    def _flush_doubted(self) -> None:
        records = self._doubted.drain()
        if records is None:
            return
        for at in range(0, records.num_rows, _MOST_DOUBTED):
            sifted, bad = self._sieve.exact(records.slice(at, _MOST_DOUBTED))
            self.quarantine(as_refused(bad))
            self._admit_others(sifted)

    def _admit_others(self, sifted: Sifted) -> None:
        """Refuse rows of people who were forgotten, before anything is kept of them."""
        others, bad = self.forgotten.part(sifted)
        if bad is not None:
            erased = pa.array([ERASED] * bad.num_rows, pa.string())
            self.quarantine(
                as_refused(bad).drop_columns("text").append_column("text", erased)
            )
        self.admit(others)

    def admit(self, sifted: Sifted) -> None:
        """Key, judge and stage good rows."""
        if not sifted.rows.num_rows:
            return
        rows = self.keying.key(sifted)
        if self._judge.judge(rows):
            self._note_verdicts(sifted)
            rows = self.connection.sql(_NEW_ROWS).to_arrow_table()
        self.stage(rows)

    def _note_verdicts(self, sifted: Sifted) -> None:
        self.connection.execute(_REPEATS)
        self.connection.execute(_CONTESTED)
        wrong = self.connection.sql(_CONFLICTING).to_arrow_table()
        if wrong.num_rows:
            reasons = pc.if_else(
                pc.equal(wrong.column("verdict"), "conflict"), OF_NOW, OF_EARLIER
            )
            records = sifted.records.take(wrong.column("nr"))
            refused = as_refused(records.append_column("reason", reasons))
            self.note_conflicts(wrong.column("event_id"), refused)

    def note_conflicts(self, event_ids: pa.ChunkedArray, refused: pa.Table) -> None:
        """Keep conflicting copies for the quarantine."""
        table = self.named(refused).append_column("event_id", event_ids)
        self.connection.register("noted", table)
        self.connection.execute("INSERT INTO conflicts BY NAME FROM noted")
        self.connection.unregister("noted")

    def stage(self, rows: pa.Table) -> None:
        """Write new rows and keep their keys in mind."""
        if not rows.num_rows:
            return
        self.connection.register("rows", rows)
        self.connection.execute("INSERT INTO staged_keys SELECT key FROM rows")
        self.events_sum += self.sum_of("rows", rows.column_names)
        names = [name for name in EVENT_COLUMNS if name in rows.column_names]
        self.staging.write("events", rows.select(names))

    def sum_of(self, rows: str, names: Sequence[str]) -> int:
        """Add up the hashes of events; the order does not matter."""
        query = fill(_SUM, body=body_of(names), rows=rows)
        return int(first(self.connection, query)[0] or 0)

    def quarantine(self, refused: pa.Table) -> None:
        """Keep refused lines (`file`, `line`, `text`, `reason`)."""
        if refused.num_rows:
            self.connection.register("noted", self.named(refused))
            self.connection.execute("INSERT INTO quarantined BY NAME FROM noted")
            self.connection.unregister("noted")

    def named(self, refused: pa.Table) -> pa.Table:
        """Give refused lines as the quarantine shows them, secrets replaced."""
        text = pc.utf8_rtrim(refused.column("text"), characters="\r\n")
        columns = {
            "file": pa.array(self.files, pa.string()).take(refused.column("file")),
            "line": refused.column("line"),
            "reason": refused.column("reason"),
            "text": self.forgotten.clean(
                self.redactor.clean_array(text.combine_chunks())
            ),
        }
        return pa.table(columns)

    def _show_staged(self) -> None:
        self._show("staged", self.staging.paths("events"))

    def _show(self, name: str, paths: Sequence[Path]) -> None:
        """Make a view of event segments, with every column."""
        files = "blank_events"
        if paths:
            texts = [str(path) for path in paths]
            relation = self.connection.read_parquet(texts, union_by_name=True)
            files = f"{name}_files"
            relation.create_view(files, replace=True)
        columns = ", ".join(f'"{column}"' for column in EVENT_COLUMNS)
        self.connection.execute(fill(_VIEW, name=name, columns=columns, files=files))

    def finish(self, stored: Mapping[str, Sequence[Path]]) -> Counts:
        """Stage identifiers, vault and quarantine; give the counts of the ingest."""
        self.connection.execute(
            "INSERT INTO quarantined BY NAME SELECT * EXCLUDE (event_id) FROM conflicts"
        )
        quarantined = count(self.connection, "quarantined")
        duplicate = count(self.connection, "repeats")
        families: Mapping[str, tuple[str, Mapping[str, str], int]] = {
            "identifiers": ("found_identifiers", IDENTIFIER_COLUMNS, 2),
            "vault": ("found_values", VAULT_COLUMNS, 2),
            "quarantine": ("quarantined", QUARANTINE_COLUMNS, 4),
        }
        for family, (table, columns, keyed) in families.items():
            self._add(family, table, (tuple(columns), keyed), stored[family])
        accepted = self.staging.rows("events")
        read = accepted + duplicate + quarantined
        return Counts(read, accepted, duplicate, quarantined)

    def _add(
        self,
        family: str,
        table: str,
        columns: tuple[tuple[str, ...], int],
        stored: Sequence[Path],
    ) -> None:
        """Stage what a family does not hold yet; its first columns tell rows apart."""
        names, keyed = columns
        key = ", ".join(f'"{name}"' for name in names[:keyed])
        every = ", ".join(f'"{name}"' for name in names)
        query = fill(_DISTINCT, key=key, every=every, table=table)
        if stored:
            texts = [str(path) for path in stored]
            relation = self.connection.read_parquet(texts, union_by_name=True)
            relation.create_view("held", replace=True)
            query += fill(_NOT_HELD, key=key)
        fresh = self.connection.sql(query + fill(_BY_KEY, key=key))
        for batch in fresh.to_arrow_reader(_MOST_AT_ONCE):
            self.staging.write(family, pa.Table.from_batches([batch]))


def as_refused(records: pa.Table) -> pa.Table:
    """Give records with a `reason` as refused lines with the text of their file."""
    text = pc.coalesce(records.column("raw"), records.column("record"))
    kept = records.select(["file", "line", "reason"])
    return kept.append_column("text", text)
