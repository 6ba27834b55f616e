"""The ledger's events as observations: who was seen with what, when, how often.

Everything here is SQL over the ledger's views, run by DuckDB, so that volume never
meets a Python loop. Each function adds tables to the connection it is given.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import pyarrow as pa

# Three accounts in one hour is the least company that makes a latest hour credible:
# one forged date must not move the clock. What people decide is no sign of life.
_LATEST_CREDIBLE_HOUR = """
    SELECT max(latest) FROM (
        SELECT max(occurred_at) AS latest FROM events
        WHERE account_id IS NOT NULL AND type NOT LIKE '%.reviewed'
        GROUP BY date_trunc('hour', occurred_at)
        HAVING count(DISTINCT account_id) >= 3
    )
"""

_LATEST = "SELECT max(occurred_at) FROM events WHERE type NOT LIKE '%.reviewed'"

_SEEN = """
    CREATE OR REPLACE TEMP VIEW seen AS
    SELECT * FROM events WHERE occurred_at <= getvariable('as_of')
"""

# A key is named by its id, or by its hash until an event ties the two together.
_KEY_ALIASES = """
    CREATE OR REPLACE TEMP TABLE key_aliases AS
    SELECT key_hash, min(key_id) AS key_id FROM seen
    WHERE key_hash IS NOT NULL AND key_id IS NOT NULL
    GROUP BY key_hash
"""

_OWNERS = """
    CREATE OR REPLACE TEMP TABLE owners AS
    WITH named AS (
        SELECT key_id, account_id, tenant_id, occurred_at,
               type = 'key.created' AS created
        FROM seen
        WHERE key_id IS NOT NULL AND account_id IS NOT NULL
          AND type IN ('key.created', 'usage.recorded')
    )
    SELECT key_id,
           arg_min(account_id, (NOT created, occurred_at, account_id)) AS account_id,
           arg_min(tenant_id, (NOT created, occurred_at, account_id))
               FILTER (tenant_id IS NOT NULL) AS tenant_id,
           min(occurred_at) FILTER (created) AS created_at
    FROM named GROUP BY key_id
"""

# What the log lacks is priced from model and tokens; what can't be priced is unknown.
_USAGE = """
    CREATE OR REPLACE TEMP VIEW usage AS
    SELECT e.event_id, e.occurred_at, e.key_id, e.ip, e.user_agent, e.ja4,
           e.device_id, e.model, e.endpoint, e.prompt_hash, e.end_user, e.region,
           e.paid_by, e.http_status,
           coalesce(e.account_id, o.account_id) AS account_id,
           coalesce(e.tenant_id, o.tenant_id) AS tenant_id,
           coalesce(e.input_tokens, 0) AS input_tokens,
           coalesce(e.output_tokens, 0) AS output_tokens,
           coalesce(e.requests, 1) AS requests,
           coalesce(e.cost_usd,
                    (e.input_tokens * p.input_usd_per_token
                     + coalesce(e.output_tokens, 0) * p.output_usd_per_token
                    )::DECIMAL(18, 9)) AS cost_usd
    FROM seen e
    LEFT JOIN owners o ON e.key_id = o.key_id
    LEFT JOIN prices p ON e.model = p.model AND e.cost_usd IS NULL
    WHERE e.type = 'usage.recorded'
"""

_SIGHTINGS = """
    CREATE OR REPLACE TEMP VIEW sightings AS
    SELECT account_id, occurred_at, ip, device_id, user_agent, ja4, email, phone,
           card_fingerprint, card_bin, payment_method_id, tenant_id, kind, value,
           invited_by, referral_code, type, 0 AS tokens,
           0::DECIMAL(18, 9) AS cost_usd, NULL AS key_id, NULL AS prompt_hash,
           NULL AS model, NULL AS endpoint, 1 AS requests
    FROM seen WHERE account_id IS NOT NULL AND type <> 'usage.recorded'
    UNION ALL BY NAME
    SELECT account_id, occurred_at, ip, user_agent, ja4, tenant_id, key_id,
           -- whoever holds a leaked key brings a device of his own, not the owner's
           CASE WHEN key_id IS NULL THEN device_id END AS device_id,
           prompt_hash, model, endpoint, 'usage.recorded' AS type,
           input_tokens + output_tokens AS tokens, cost_usd, requests
    FROM usage WHERE account_id IS NOT NULL
"""

# The kinds of identifier that tie an account to something others may share, each
# with the column of `sightings` that holds it.
KINDS: dict[str, str] = {
    "email": "email",
    "phone": "phone",
    "ip": "ip",
    "device": "device_id",
    "card": "coalesce(card_fingerprint, payment_method_id)",
    "key": "key_id",
    "tenant": "tenant_id",
    "user_agent": "user_agent",
    "ja4": "ja4",
    "prompt": "prompt_hash",
    "model": "model",
    "endpoint": "endpoint",
    "referral": "referral_code",
    "bin": "card_bin",
}

_OBSERVED = """
    SELECT account_id, ? AS kind, {column} AS identifier,
           min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
           count(*) AS count, sum(tokens)::BIGINT AS tokens,
           coalesce(sum(cost_usd), 0)::DOUBLE AS cost_usd
    FROM sightings WHERE {column} IS NOT NULL GROUP BY account_id, identifier
"""

_FURTHER_KINDS = """
    SELECT account_id, kind, value AS identifier,
           min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
           count(*) AS count, 0::BIGINT AS tokens, 0::DOUBLE AS cost_usd
    FROM sightings
    WHERE type = 'identifier.seen' AND kind IS NOT NULL AND value IS NOT NULL
    GROUP BY account_id, kind, value
"""


def latest_credible_time(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The moment detection looks from when none is given, in UTC.

    The last event of the latest hour in which three accounts have events; with
    fewer accounts the latest event; None for an empty ledger.
    """
    row = connection.execute(_LATEST_CREDIBLE_HOUR).fetchone()
    if row is None or row[0] is None:
        row = connection.execute(_LATEST).fetchone()
    latest: datetime | None = row[0] if row else None
    return latest


def observe(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, prices: pa.Table
) -> None:
    """Make `seen`, `key_aliases`, `owners`, `usage`, `sightings`, `observations`.

    `prices` has columns model, input_usd_per_token, output_usd_per_token. Only
    events up to `as_of` (naive UTC) are seen.
    """
    connection.execute("SET VARIABLE as_of = ?::TIMESTAMP", [as_of])
    connection.register("price_list", prices)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE prices AS "
        "SELECT model, input_usd_per_token::DOUBLE AS input_usd_per_token, "
        "output_usd_per_token::DOUBLE AS output_usd_per_token FROM price_list"
    )
    for statement in (_SEEN, _KEY_ALIASES, _OWNERS, _USAGE, _SIGHTINGS):
        connection.execute(statement)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE observations ("
        "account_id VARCHAR, kind VARCHAR, identifier VARCHAR, first_seen TIMESTAMP, "
        "last_seen TIMESTAMP, count BIGINT, tokens BIGINT, cost_usd DOUBLE)"
    )
    for kind, column in KINDS.items():
        connection.execute(
            "INSERT INTO observations " + _OBSERVED.format(column=column), [kind]
        )
    connection.execute("INSERT INTO observations " + _FURTHER_KINDS)
