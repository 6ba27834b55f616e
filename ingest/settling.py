"""Contested events: copies with different bodies that lay apart in one ingest.

They are rare, so their lines are read once more rather than every line kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract import FIELDS
from ingest.duplicates import OF_NOW, body_of, canonical
from ingest.intake import Intake, as_refused
from ingest.readers.chunks import Chunk
from ingest.sifting import Sifted
from ingest.sql import count, fill, literal

_CANONICAL = """
    SELECT rows.nr, $canonical AS canonical, $body AS body
    FROM rows JOIN records USING (nr) ORDER BY rows.nr
"""
_OURS = "SELECT rows.* FROM rows SEMI JOIN contested USING (event_id)"
_RANKED = """
    CREATE OR REPLACE TEMP TABLE ranked AS
    SELECT *, first_value("of body") OVER copies AS first_body,
           row_number() OVER copies AS rank
    FROM copies_read
    WINDOW copies AS (
        PARTITION BY event_id ORDER BY "of canonical", "of file", "of line"
    )
"""
_UNDO = """
    DELETE FROM repeats WHERE event_id IN (SELECT event_id FROM contested);
    DELETE FROM conflicts WHERE event_id IN (SELECT event_id FROM contested);
"""
_REPEATS = """
    INSERT INTO repeats
    SELECT event_id FROM ranked WHERE rank > 1 AND "of body" = first_body
"""
_LOSERS = """
    INSERT INTO conflicts BY NAME
    SELECT event_id, "of file" AS file, "of line" AS line, $reason AS reason,
           "of text" AS text
    FROM ranked WHERE "of body" <> first_body
"""
_WINNERS = "SELECT $columns FROM ranked WHERE rank = 1 ORDER BY event_id"
_KEPT = "SELECT * FROM segment ANTI JOIN contested USING (event_id)"


class Copies(Intake):
    """Reads all once more, for the copies of contested events alone."""

    def __init__(self, main: Intake) -> None:
        super().__init__(
            main.connection, main.keying, main.staging, main.files, main.forgotten
        )
        self._tables: list[pa.Table] = []

    def quarantine(self, refused: pa.Table) -> None:
        """Pass over what the first reading has quarantined."""

    def admit(self, sifted: Sifted) -> None:
        """Keep the copies of contested events, with what tells which one stays."""
        rows = self.keying.key(sifted)
        self.connection.register("rows", rows)
        rows = self.connection.sql(_OURS).to_arrow_table().sort_by("nr")
        if not rows.num_rows:
            return
        self.connection.register("rows", rows)
        names = [name for name in rows.column_names if name in FIELDS]
        query = fill(_CANONICAL, canonical=canonical(), body=body_of(names))
        ranks = self.connection.sql(query).to_arrow_table()
        records = sifted.records.take(rows.column("nr"))
        reason = pa.repeat("", rows.num_rows)
        place = self.named(as_refused(records.append_column("reason", reason)))
        for table in (ranks.drop_columns("nr"), place.drop_columns("reason")):
            for name in table.column_names:
                rows = rows.append_column("of " + name, table.column(name))
        self._tables.append(rows)

    def read(self, chunks: Iterator[Chunk]) -> pa.Table:
        """Give every copy: the stored columns, and more, named with `of ` before."""
        for chunk in chunks:
            self.take(chunk)
        self.flush()
        return pa.concat_tables(self._tables, promote_options="default")


def settle(intake: Intake, chunks: Iterator[Chunk]) -> None:
    """Let the copy of each contested event stay whose body sorts first.

    `chunks` reads the same files once more. The counts and the staged segments come
    out as if all copies had lain side by side.
    """
    connection = intake.connection
    if not count(connection, "contested"):
        return
    copies = Copies(intake).read(chunks)
    _withdraw(intake)
    connection.register("copies_read", copies)
    connection.execute(_RANKED)
    losers = fill(_LOSERS, reason=literal(OF_NOW))
    for statement in (_UNDO, _REPEATS, losers):
        connection.execute(statement)
    columns = ", ".join(
        f'"{n}"' for n in copies.column_names if not n.startswith("of ")
    )
    winners = connection.sql(fill(_WINNERS, columns=columns)).to_arrow_table()
    intake.stage(winners)


def _withdraw(intake: Intake) -> None:
    """Take contested events out of the staged segments."""
    connection = intake.connection
    for path in intake.staging.paths("events"):
        held = pq.read_table(path)
        connection.register("segment", held)
        kept = connection.sql(_KEPT).to_arrow_table()
        if kept.num_rows == held.num_rows:
            continue
        connection.register("kept", kept)
        intake.events_sum -= intake.sum_of("segment", held.column_names)
        intake.events_sum += intake.sum_of("kept", held.column_names)
        intake.staging.drop(f"events/{path.name}")
        intake.staging.write("events", kept)
