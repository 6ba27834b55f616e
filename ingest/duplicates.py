"""Exactly once: which rows of a chunk are new, which repeat, which contradict.

The same id with the same body is a duplicate. With another body it is a conflict: an
event of an earlier ingest stays; within one ingest the body stays that sorts first as
canonical JSON text of the contract's fields. Where the copies of one ingest lie in
different chunks, the event is set aside as contested until all has been read.
"""

from __future__ import annotations

import duckdb

from ingest.contract import FIELDS, carriers
from ingest.sql import count, fill, literal, literals

OF_EARLIER = "event_id: was accepted earlier with another body"
OF_NOW = "event_id: comes with another body in the same ingest"

ALL_FIELDS = ", ".join(f'"{name}"' for name in FIELDS)

_IDS = """
    CREATE OR REPLACE TEMP TABLE ids AS
    SELECT nr, key, body, event_id FROM rows_usage
    UNION ALL SELECT nr, key, body, event_id FROM rows_rest;
    CREATE OR REPLACE TEMP TABLE verdicts (nr BIGINT, verdict VARCHAR);
"""

# Equal keys only suggest equal ids; the bodies are then found by the ids themselves.
_BODIES_BEFORE = """
    CREATE OR REPLACE TEMP TABLE bodies_$when AS
    SELECT event_id, hash($all) AS body FROM $when
    WHERE key IN (SELECT key FROM met_$when)
"""

_MET = """
    CREATE OR REPLACE TEMP TABLE met_$when AS
    SELECT DISTINCT earlier.key FROM $when AS earlier
    SEMI JOIN ids ON earlier.key = ids.key
"""

_JUDGE_BEFORE = """
    INSERT INTO verdicts
    SELECT ids.nr, CASE WHEN earlier.body = ids.body THEN 'duplicate' ELSE $other END
    FROM ids JOIN bodies_$when AS earlier USING (event_id)
    ANTI JOIN verdicts ON ids.nr = verdicts.nr
"""

_WITHIN = """
    CREATE OR REPLACE TEMP TABLE within AS
    SELECT nr, event_id, body FROM (
        SELECT * FROM ids ANTI JOIN verdicts ON ids.nr = verdicts.nr
    ) WHERE key IN (SELECT key FROM ids GROUP BY key HAVING count(*) > 1)
"""

_JUDGE_WITHIN = """
    INSERT INTO verdicts
    WITH firsts AS (
        SELECT event_id, arg_min(nr, (canonical, nr)) AS nr,
               arg_min(body, (canonical, nr)) AS body
        FROM (
            SELECT within.*, CASE WHEN disputed THEN $canonical END AS canonical
            FROM (SELECT *, min(body) OVER ids <> max(body) OVER ids AS disputed
                  FROM within WINDOW ids AS (PARTITION BY event_id)) AS within
            JOIN records USING (nr)
        ) GROUP BY event_id
    )
    SELECT within.nr,
           CASE WHEN within.body = firsts.body THEN 'duplicate' ELSE 'conflict' END
    FROM within JOIN firsts USING (event_id) WHERE within.nr <> firsts.nr
"""

VERDICTS = {
    "stored": literal("conflict earlier"),
    "staged": literal("contested"),
}


def judge(connection: duckdb.DuckDBPyConnection) -> int:
    """Judge the rows of `rows_usage` and `rows_rest` that are not simply new.

    Looks them up in `stored` (events of earlier ingests) and `staged` (of this one).
    Leaves `ids` and `verdicts` (`nr` with duplicate, conflict, conflict earlier or
    contested) and gives the number of verdicts.
    """
    connection.execute(_IDS)
    for when, other in VERDICTS.items():
        connection.execute(fill(_MET, when=when))
        if count(connection, f"met_{when}"):
            connection.execute(fill(_BODIES_BEFORE, when=when, all=ALL_FIELDS))
            connection.execute(fill(_JUDGE_BEFORE, when=when, other=other))
    connection.execute(_WITHIN)
    if count(connection, "within"):
        connection.execute(fill(_JUDGE_WITHIN, canonical=canonical()))
    return count(connection, "verdicts")


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
