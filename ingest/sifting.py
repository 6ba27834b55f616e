"""From raw records to typed rows: the quick check, the exact check, the refusals."""

from __future__ import annotations

import duckdb

from ingest.routes import MENTIONS_USAGE, REST_ROUTE, ROUTES, USAGE_ROUTE, Route
from ingest.sql import count, fill

_VALID = "json_valid(record) AND "
_ELSEWHERE = f"NOT {MENTIONS_USAGE}"

_TYPED = "CREATE OR REPLACE TEMP TABLE typed_$route AS $quick"

_NONE_REFUSED = """
    CREATE OR REPLACE TEMP TABLE refused (nr BIGINT, reason VARCHAR)
"""

_NOT_JSON = """
    INSERT INTO refused
    SELECT nr, 'line: is not JSON' FROM records WHERE NOT json_valid(record)
"""

_DOUBTED = """
    CREATE OR REPLACE TEMP TABLE doubted AS
    SELECT nr FROM typed_usage WHERE doubt
    UNION ALL SELECT nr FROM typed_rest WHERE doubt
"""

_EXAMINED = "CREATE OR REPLACE TEMP TABLE examined AS $exact"

_WRONG = "INSERT INTO refused SELECT nr, reason FROM examined WHERE reason IS NOT NULL"

_RIGHT = """
    INSERT INTO typed_rest BY NAME
    SELECT * EXCLUDE (reason), false AS doubt FROM examined WHERE reason IS NULL
"""


def sift(connection: duckdb.DuckDBPyConnection) -> None:
    """Check the table `records` (`nr`, `record`).

    Leaves `typed_usage` and `typed_rest`, whose rows count where `doubt` is false,
    and `refused` (`nr`, `reason`).
    """
    connection.execute(_NONE_REFUSED)
    try:
        _check(connection, "")
    except duckdb.InvalidInputException:
        # json_transform stops at the first record that is not JSON, and its message
        # holds the record: it is dropped here and the bad ones are set apart.
        _check(connection, _VALID)
        connection.execute(_NOT_JSON)
    connection.execute(_DOUBTED)
    if count(connection, "doubted"):
        exact = REST_ROUTE.exact("nr IN (SELECT nr FROM doubted)")
        connection.execute(fill(_EXAMINED, exact=exact))
        connection.execute(_WRONG)
        connection.execute(_RIGHT)


def _check(connection: duckdb.DuckDBPyConnection, valid: str) -> None:
    conditions = {USAGE_ROUTE.name: MENTIONS_USAGE, REST_ROUTE.name: _ELSEWHERE}
    for route in ROUTES:
        connection.execute(_typed(route, valid + conditions[route.name]))


def _typed(route: Route, condition: str) -> str:
    return fill(_TYPED, route=route.name, quick=route.quick(condition))
