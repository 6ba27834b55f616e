"""Exactly once: which rows are new, which repeat, which contradict.

The same id with the same body is a duplicate. With another body it is a conflict: an
event of an earlier ingest stays; within one ingest the body stays that sorts first as
canonical JSON text of the contract's fields. Where the copies of one ingest do not
lie side by side, the event is contested and settled when all has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ingest.contract import FIELDS, carriers
from ingest.sql import count, fill, literal, literals

OF_EARLIER = "event_id: was accepted earlier with another body"
OF_NOW = "event_id: comes with another body in the same ingest"

_MET = """
    CREATE OR REPLACE TEMP TABLE met AS
    SELECT DISTINCT key FROM rows SEMI JOIN stored USING (key)
    UNION SELECT DISTINCT key FROM rows SEMI JOIN staged_keys USING (key)
    UNION SELECT key FROM rows GROUP BY key HAVING count(*) > 1
"""
# Equal keys only suggest equal ids; from here on the ids themselves are compared.
_SUSPECTS = """
    CREATE OR REPLACE TEMP TABLE suspects AS
    SELECT nr, event_id, $body AS body FROM rows SEMI JOIN met USING (key)
"""
_BEFORE = """
    CREATE OR REPLACE TEMP TABLE before AS
    SELECT event_id, min(body) AS body, min(verdict) AS verdict FROM (
        SELECT event_id, $all AS body, 'conflict earlier' AS verdict
        FROM stored SEMI JOIN met USING (key)
        UNION ALL SELECT event_id, $all, 'contested'
        FROM staged SEMI JOIN met USING (key)
    ) GROUP BY event_id
"""
_VERDICTS = """
    CREATE OR REPLACE TEMP TABLE verdicts AS
    SELECT suspects.nr, suspects.event_id,
           CASE WHEN before.body = suspects.body THEN 'duplicate'
                ELSE before.verdict END AS verdict
    FROM suspects JOIN before USING (event_id)
"""
_WITHIN = """
    INSERT INTO verdicts
    WITH copies AS (
        SELECT suspects.*, CASE WHEN disputed THEN $canonical END AS canonical
        FROM (SELECT *, min(body) OVER ids <> max(body) OVER ids AS disputed
              FROM suspects ANTI JOIN before USING (event_id)
              WINDOW ids AS (PARTITION BY event_id)) AS suspects
        JOIN records USING (nr)
    ), firsts AS (
        SELECT event_id, arg_min(nr, (canonical, nr)) AS nr,
               arg_min(body, (canonical, nr)) AS body
        FROM copies GROUP BY event_id
    )
    SELECT copies.nr, copies.event_id,
           CASE WHEN copies.body = firsts.body THEN 'duplicate' ELSE 'conflict' END
    FROM copies JOIN firsts USING (event_id) WHERE copies.nr <> firsts.nr
"""


@dataclass(frozen=True)
class Judge:
    """Judges rows on a connection that has `stored`, `staged` and `staged_keys`.

    `stored` holds the events of earlier ingests, `staged` those of this one so far;
    `refresh` brings `staged` up to date.
    """

    connection: duckdb.DuckDBPyConnection
    refresh: Callable[[], None]

    def judge(self, rows: pa.Table) -> int:
        """Judge the rows that came from the table `records`.

        Leaves `verdicts`: `nr`, `event_id` and one of duplicate, conflict, conflict
        earlier, contested for each row that is not simply new. Gives their number.
        """
        self.connection.register("rows", rows)
        self.connection.execute(_MET)
        if not count(self.connection, "met"):
            return 0
        self.refresh()
        body = body_of(rows.column_names)
        self.connection.execute(fill(_SUSPECTS, body=body))
        self.connection.execute(fill(_BEFORE, all=body_of(FIELDS)))
        self.connection.execute(_VERDICTS)
        self.connection.execute(fill(_WITHIN, canonical=canonical()))
        return count(self.connection, "verdicts")


def body_of(held: Collection[str]) -> str:
    """Give the SQL of a hash over every field of the contract.

    `held` names the columns that are there; the others count as absent.
    """
    every = (f'"{n}"' if n in held else f"NULL::{k.value}" for n, k in FIELDS.items())
    return "hash(" + ", ".join(every) + ")"


def canonical() -> str:
    """Give the contract's fields of `record` as JSON text with sorted keys, as SQL."""
    names = sorted(FIELDS)
    paths = "[" + ", ".join(literal("$." + name) for name in names) + "]"
    kept = ", ".join(_member(name, at) for at, name in enumerate(names, 1))
    return fill(
        "'{' || array_to_string(list_filter(list_transform([json_extract(record,"
        " $paths)], lambda held: [$kept])[1], lambda one: one IS NOT NULL), ',')"
        " || '}'",
        paths=paths,
        kept=kept,
    )


def _member(name: str, at: int) -> str:
    of = literals(carriers(name))
    return (
        f"CASE WHEN held[{at}]::VARCHAR NOT IN ('null', '\"\"')"
        f" AND json_extract_string(record, '$.type') IN {of}"
        f" THEN '\"{name}\":' || held[{at}]::VARCHAR END"
    )
