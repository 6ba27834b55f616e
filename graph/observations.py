"""The ledger's events as observations: who was seen with what, when, how often.

Everything here is SQL over the ledger's views, run by DuckDB, so that volume never
meets a Python loop. Each function adds tables to the connection it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import pyarrow as pa

from graph.seen import look
from ingest.sql import fill, literal

# In microseconds since 1970: a forged date may lie past the last year of Python's.
_HOURS = """
    SELECT DISTINCT epoch_us(date_trunc('hour', occurred_at)) AS hour FROM events
    ORDER BY hour
"""
_HOUR = 3_600_000_000

# Three accounts in one hour is the least company that makes a latest hour credible:
# one forged date must not move the clock. What people decide is no sign of life.
_LATEST_CREDIBLE_HOUR = """
    SELECT max(latest) FROM (
        SELECT max(occurred_at) AS latest FROM events
        WHERE account_id IS NOT NULL AND type NOT LIKE '%.reviewed'
          AND occurred_at >= make_timestamp($since)
          AND occurred_at < make_timestamp($until)
        GROUP BY date_trunc('hour', occurred_at)
        HAVING count(DISTINCT account_id) >= 3
    )
"""
# So many hours are looked at first, from the latest back, and twice as many each time.
_FIRST_HOURS = 24

_LATEST = "SELECT max(occurred_at) FROM events WHERE type NOT LIKE '%.reviewed'"

# A key is named by its id, or by its hash until an event ties the two together.
_KEY_ALIASES = """
    CREATE OR REPLACE TEMP TABLE key_aliases AS
    SELECT key_hash, min(key_id) AS key_id FROM deeds
    WHERE key_hash IS NOT NULL AND key_id IS NOT NULL
    GROUP BY key_hash
"""

# The kinds of identifier that tie an account to something others may share, each
# with what holds it in `deeds` and in `usage`. Whoever holds a leaked key brings a
# device of his own, not the owner's.
KINDS: Mapping[str, tuple[str | None, str | None]] = {
    "email": ("email", None),
    "phone": ("phone", None),
    "ip": ("ip", "ip"),
    "device": ("device_id", "CASE WHEN key_id IS NULL THEN device_id END"),
    "card": ("coalesce(card_fingerprint, payment_method_id)", None),
    "key": (None, "key_id"),
    "tenant": ("tenant_id", "tenant_id"),
    "user_agent": ("user_agent", "user_agent"),
    "ja4": ("ja4", "ja4"),
    "prompt": (None, "prompt_hash"),
    "model": (None, "model"),
    "endpoint": (None, "endpoint"),
    "referral": ("referral_code", None),
    "bin": ("card_bin", None),
}

_IN_DEEDS = """
    SELECT account_id::VARCHAR AS account_id, ($held)::VARCHAR AS identifier,
           min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
           count(*) AS count, 0::BIGINT AS tokens, 0::DECIMAL(38, 9) AS usd
    FROM deeds WHERE account_id IS NOT NULL AND ($held) IS NOT NULL
    GROUP BY deeds.account_id, $held
"""

_IN_USAGE = """
    SELECT account_id::VARCHAR AS account_id, ($held)::VARCHAR AS identifier,
           min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
           count(*) AS count, sum(input_tokens + output_tokens)::BIGINT AS tokens,
           coalesce(sum(cost_usd), 0) AS usd
    FROM usage WHERE account_id IS NOT NULL AND ($held) IS NOT NULL
    GROUP BY usage.account_id, $held
"""

_IN_ONE = """
    INSERT INTO observations
    SELECT account_id, $kind, identifier, first_seen, last_seen, count, tokens,
           usd::DOUBLE
    FROM ($part)
"""

_IN_BOTH = """
    INSERT INTO observations
    SELECT account_id, $kind, identifier, min(first_seen), max(last_seen), sum(count),
           sum(tokens), sum(usd)::DOUBLE
    FROM ($deeds UNION ALL $usage) GROUP BY account_id, identifier
"""

_FURTHER_KINDS = """
    INSERT INTO observations
    SELECT account_id, kind, value, min(occurred_at), max(occurred_at), count(*), 0, 0
    FROM deeds
    WHERE account_id IS NOT NULL AND type = 'identifier.seen' AND kind IS NOT NULL
      AND value IS NOT NULL
    GROUP BY account_id, kind, value
"""

_OBSERVATIONS = """
    CREATE OR REPLACE TEMP TABLE observations (
        account_id VARCHAR, kind VARCHAR, identifier VARCHAR, first_seen TIMESTAMP,
        last_seen TIMESTAMP, count BIGINT, tokens BIGINT, cost_usd DOUBLE)
"""


def latest_credible_time(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The moment detection looks from when none is given, in UTC.

    The last event of the latest hour in which three accounts have events; with
    fewer accounts the latest event; None for an empty ledger.
    """
    hours = [hour for (hour,) in connection.execute(_HOURS).fetchall()]
    taken = _FIRST_HOURS
    while hours:
        span = {"since": hours[-taken:][0], "until": hours[-1] + _HOUR}
        credible = _moment(connection.execute(_LATEST_CREDIBLE_HOUR, span))
        if credible:
            return credible
        del hours[-taken:]
        taken *= 2
    return _moment(connection.execute(_LATEST))


def _moment(found: duckdb.DuckDBPyConnection) -> datetime | None:
    ((moment,),) = found.fetchall()
    return moment if isinstance(moment, datetime) else None


def observe(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, prices: pa.Table
) -> None:
    """Make `key_aliases`, `observations`, and what `graph.seen.look` makes."""
    look(connection, as_of, prices)
    connection.execute(_KEY_ALIASES)
    connection.execute(_OBSERVATIONS)
    for kind, (in_deeds, in_usage) in KINDS.items():
        connection.execute(_observed(kind, in_deeds, in_usage))
    connection.execute(_FURTHER_KINDS)


def _observed(kind: str, in_deeds: str | None, in_usage: str | None) -> str:
    deeds = fill(_IN_DEEDS, held=in_deeds) if in_deeds else ""
    usage = fill(_IN_USAGE, held=in_usage) if in_usage else ""
    if deeds and usage:
        return fill(_IN_BOTH, kind=literal(kind), deeds=deeds, usage=usage)
    return fill(_IN_ONE, kind=literal(kind), part=deeds or usage)
