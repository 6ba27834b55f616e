"""The exact check: what is wrong with a line, or that nothing is, as SQL.

Each field of each doubtful line becomes a row beside what the contract says of it, so
that one expression checks them all.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from ingest.checks import BLANKS, NUMBER, RFC3339
from ingest.contract import COMMON, EVENT_TYPES, FIELDS
from ingest.sql import fill, literal

_NO_OFFSET = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?"
_NOT_FINITE = r"(?i)[+-]?(nan|inf|infinity)"
_NUMBER_KINDS = "('MONEY', 'WHOLE', 'STATUS')"

_WRONG = """
    SELECT nr, CASE
        WHEN good IS NULL THEN 'line: is not JSON'
        WHEN json_type(good) <> 'OBJECT' THEN 'line: is not a JSON object'
        WHEN regexp_matches(good, ',\\s*[}\\]]\\s*$$') THEN 'line: is not JSON'
        ELSE coalesce(first_wrong, none_of_them) END AS wrong
    FROM examined LEFT JOIN ($found) USING (nr)
"""

# `carried` has no type for a line whose type is unknown but a row for each field that
# every event has.
_FOUND = """
    SELECT nr, min_by(name || ': ' || wrong, place)
               FILTER (wrong IS NOT NULL) AS first_wrong,
           CASE WHEN bool_or(one_of) AND count(text) FILTER (one_of) = 0
                THEN array_to_string(list(name ORDER BY place) FILTER (one_of), ' or ')
                     || ': is missing' END AS none_of_them
    FROM ($checked) GROUP BY nr
"""

_CHECKED = """
    SELECT nr, carried.name, place, one_of, text, CASE
        WHEN shape IN ('OBJECT', 'ARRAY') THEN 'is nested, not a single value'
        WHEN kind = 'TEXT' AND shape = 'BOOLEAN' THEN 'is not text'
        WHEN kind <> 'TIME' AND shape = 'DOUBLE' AND regexp_full_match(text, $infinite)
            THEN 'is not a finite number'
        WHEN text IS NULL THEN CASE WHEN required THEN 'is missing' END
        WHEN unknown AND carried.name = 'type' THEN 'is unknown'
        WHEN kind = 'TIME' THEN CASE
            WHEN regexp_full_match(text, $naive) THEN 'has no offset from UTC'
            WHEN NOT regexp_full_match(text, $time)
                OR TRY_CAST(regexp_replace(upper(text), '(:\\d\\d):60', '\\1:59')
                    AS TIMESTAMPTZ) IS NULL THEN 'is not an RFC 3339 time' END
        WHEN kind = 'FLAG' THEN CASE
            WHEN lower(text) NOT IN ('true', 'false')
                THEN 'is neither true nor false' END
        WHEN kind IN $numbers THEN CASE
            WHEN regexp_full_match(text, $infinite) THEN 'is not a finite number'
            WHEN NOT regexp_full_match(text, $number) THEN 'is not a number'
            WHEN TRY_CAST(text AS DOUBLE) < 0 THEN 'is negative'
            WHEN kind <> 'MONEY' AND TRY_CAST(text AS DOUBLE) % 1 <> 0
                THEN 'is not a whole number'
            WHEN TRY_CAST(text AS DECIMAL(38, 9)) IS NULL
                OR TRY_CAST(text AS DECIMAL(38, 9)) > most THEN 'is too large' END
        WHEN NOT list_contains(choices, text)
            THEN 'is none of ' || array_to_string(choices, ', ') END AS wrong
    FROM ($spelled) AS spelled JOIN carried
        ON carried.type = spelled.known AND carried.name = spelled.name
"""

_SPELLED = """
    SELECT nr, name, json_type(held) AS shape, known = '' AS unknown, known,
           CASE WHEN trim(held ->> '$$', $blanks) <> ''
                THEN CASE WHEN kind = 'TEXT' THEN held ->> '$$'
                          ELSE trim(held ->> '$$', $blanks) END END AS text
    FROM (
        SELECT nr, unnest($names) AS name, unnest($kinds) AS kind,
               unnest(json_extract(good, $paths)) AS held,
               CASE WHEN type IN (SELECT type FROM carried) THEN type ELSE '' END
                   AS known
        FROM examined WHERE good IS NOT NULL
    )
"""

_MOST = {"MONEY": 10**9 - 10**-9, "WHOLE": 2**63 - 1, "STATUS": 2**31 - 1}


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the contract known to a connection, as the table `carried`."""
    connection.register("carried", _carried())


def _carried() -> pa.Table:
    rows: list[dict[str, Any]] = [
        {
            "type": event.name,
            "name": name,
            "place": place,
            "required": name in (*COMMON, *event.required),
            "one_of": name in event.one_of,
            "choices": event.choices.get(name),
        }
        for event in EVENT_TYPES
        for place, name in enumerate(event.fields)
    ]
    rows += [
        {"type": "", "name": name, "place": at, "required": True, "one_of": False}
        for at, name in enumerate(COMMON)
    ]
    for row in rows:
        kind = FIELDS[str(row["name"])].name
        row |= {"kind": kind, "most": float(_MOST.get(kind, 0))}
    return pa.Table.from_pylist(rows, schema=_CARRIED)


_CARRIED = pa.schema(
    [
        ("type", pa.string()),
        ("name", pa.string()),
        ("kind", pa.string()),
        ("place", pa.int32()),
        ("required", pa.bool_()),
        ("one_of", pa.bool_()),
        ("choices", pa.list_(pa.string())),
        ("most", pa.float64()),
    ]
)


def wrong_sql() -> str:
    """Select `nr` and `wrong` of the table `examined`: `nr`, `type`, `good`.

    `good` is the record where it is JSON. The text names the first field that is
    wrong and says what is, never the value; NULL where nothing is wrong.
    """
    spelled = fill(
        _SPELLED,
        blanks=literal(BLANKS),
        names="[" + ", ".join(map(literal, FIELDS)) + "]",
        kinds="[" + ", ".join(literal(kind.name) for kind in FIELDS.values()) + "]",
        paths="[" + ", ".join(literal("$." + name) for name in FIELDS) + "]",
    )
    checked = fill(
        _CHECKED,
        spelled=spelled,
        infinite=literal(_NOT_FINITE),
        naive=literal(_NO_OFFSET),
        time=literal(RFC3339),
        number=literal(NUMBER),
        numbers=_NUMBER_KINDS,
    )
    return fill(_WRONG, found=fill(_FOUND, checked=checked))
