"""Whose traffic a key carries: its owner's, or that of someone who found it.

A source is what a request came with (network, client, TLS fingerprint, model, system
prompt). The owner's sources are those of the key's first days and those his account
was seen with elsewhere. A later source on a network he never used, that differs from
him in at least one more thing he always shows, is foreign. A migration or a build
runner changes the network alone; a thief changes the tool and the purpose too.
"""

from __future__ import annotations

import duckdb

_SOURCES = """
    CREATE OR REPLACE TEMP TABLE key_sources AS
    SELECT u.key_id, min(u.account_id) AS account_id, u.ip,
           coalesce('as' || i.asn, i.prefix, u.ip) AS network,
           i.class AS network_class,
           coalesce(a.client, u.user_agent) AS client, u.ja4, u.model,
           u.prompt_hash AS prompt, u.paid_by,
           min(u.occurred_at) AS first_seen, max(u.occurred_at) AS last_seen,
           sum(u.requests)::BIGINT AS requests,
           sum(u.input_tokens + u.output_tokens)::BIGINT AS tokens,
           sum(u.requests) FILTER (u.http_status >= 400)::BIGINT AS errors,
           coalesce(sum(u.cost_usd), 0) AS cost_usd,
           min(u.tenant_id) AS first_tenant, max(u.tenant_id) AS last_tenant
    FROM usage u
    LEFT JOIN identifiers i ON i.kind = 'ip' AND i.identifier = u.ip
    LEFT JOIN identifiers a ON a.kind = 'user_agent' AND a.identifier = u.user_agent
    WHERE u.key_id IS NOT NULL
    GROUP BY u.key_id, u.ip, i.asn, i.prefix, i.class, a.client, u.user_agent, u.ja4,
             u.model, u.prompt_hash, u.paid_by
"""

_EXPOSURES = """
    CREATE OR REPLACE TEMP TABLE exposures AS
    SELECT coalesce(by_hash.key_id, by_id.key_id, e.key_id, e.key_hash) AS key_id,
           coalesce(min(coalesce(e.exposed_at, e.occurred_at)) FILTER (e.verified),
                    min(coalesce(e.exposed_at, e.occurred_at))) AS exposed_at,
           min(e.occurred_at) AS reported_at,
           bool_or(coalesce(e.verified, FALSE)) AS verified,
           arg_min(e.location, (e.occurred_at, e.event_id)) AS location,
           arg_min(e.detector, (e.occurred_at, e.event_id)) AS detector
    FROM deeds e
    LEFT JOIN key_aliases by_hash ON e.key_hash = by_hash.key_hash
    LEFT JOIN key_aliases by_id ON e.key_id = by_id.key_hash
    WHERE e.type = 'key.exposed' GROUP BY 1
"""

# The key's first quarter, no less than a day and no more than three, and nothing
# after its exposure, is taken for the owner's own habit. Anyone can say that a key
# leaked, and when: only a report that proved it makes a stranger of its owner.
_HABIT = """
    CREATE OR REPLACE TEMP TABLE key_habits AS
    SELECT k.key_id, k.account_id, k.first_use, k.last_use, x.exposed_at,
           least(k.first_use + greatest(INTERVAL 1 DAY,
                     least(INTERVAL 3 DAY, (k.last_use - k.first_use) / 4)),
                 coalesce(x.exposed_at, TIMESTAMP '9999-01-01')) AS habit_until
    FROM (SELECT key_id, min(account_id) AS account_id,
                 min(first_seen) AS first_use, max(last_seen) AS last_use
          FROM key_sources GROUP BY key_id) k
    LEFT JOIN (SELECT * FROM exposures WHERE verified) x USING (key_id)
"""

_SIGNED_IN = """
    CREATE OR REPLACE TEMP TABLE signed_in AS
    SELECT DISTINCT e.account_id,
           coalesce('as' || i.asn, i.prefix, e.ip) AS network,
           coalesce(a.client, e.user_agent) AS client, e.ja4
    FROM deeds e
    LEFT JOIN identifiers i ON i.kind = 'ip' AND i.identifier = e.ip
    LEFT JOIN identifiers a ON a.kind = 'user_agent' AND a.identifier = e.user_agent
    WHERE e.type IN ('session.started', 'account.created', 'key.created')
"""

# Most keys never leave the networks of their owner: nothing more is asked of those,
# unless they were exposed.
_DOUBTED = """
    CREATE OR REPLACE TEMP TABLE doubted_keys AS
    SELECT key_id FROM key_sources s JOIN key_habits h USING (key_id)
    WHERE s.first_seen > h.habit_until AND s.network IS NOT NULL
      AND NOT EXISTS (FROM signed_in i WHERE i.account_id = h.account_id
                                         AND i.network = s.network)
      AND NOT EXISTS (FROM key_sources o WHERE o.key_id = s.key_id
                          AND o.network = s.network AND o.first_seen <= h.habit_until)
    UNION SELECT key_id FROM exposures
"""

_OWN = """
    CREATE OR REPLACE TEMP TABLE own_facets AS
    WITH habit AS (
        SELECT s.* FROM key_sources s SEMI JOIN doubted_keys USING (key_id)
        JOIN key_habits h USING (key_id) WHERE s.first_seen <= h.habit_until
    ), owned AS (
        SELECT h.key_id, s.network, s.client, s.ja4
        FROM key_habits h SEMI JOIN doubted_keys USING (key_id)
        JOIN signed_in s USING (account_id)
    )
    SELECT DISTINCT key_id, facet, value FROM (
        SELECT key_id, 'network' AS facet, network AS value FROM habit
        UNION ALL SELECT key_id, 'client', client FROM habit
        UNION ALL SELECT key_id, 'ja4', ja4 FROM habit
        UNION ALL SELECT key_id, 'model', model FROM habit
        UNION ALL SELECT key_id, 'prompt', prompt FROM habit
        UNION ALL SELECT key_id, 'network', network FROM owned
        UNION ALL SELECT key_id, 'client', client FROM owned
        UNION ALL SELECT key_id, 'ja4', ja4 FROM owned
    ) WHERE value IS NOT NULL
"""

# A facet of which the owner shows nothing can't be strange.
_STRANGE = """
    CREATE OR REPLACE TEMP TABLE strange_sources AS
    WITH known AS (
        SELECT key_id, list(value) FILTER (facet = 'network') AS networks,
               list(value) FILTER (facet = 'client') AS clients,
               list(value) FILTER (facet = 'ja4') AS ja4s,
               list(value) FILTER (facet = 'model') AS models,
               list(value) FILTER (facet = 'prompt') AS prompts
        FROM own_facets GROUP BY key_id
    ), judged AS (
        SELECT s.*, h.habit_until, h.exposed_at,
               coalesce(NOT list_contains(k.networks, s.network), FALSE) AS new_network,
               coalesce(NOT list_contains(k.clients, s.client), FALSE) AS new_client,
               coalesce(NOT list_contains(k.ja4s, s.ja4), FALSE) AS new_ja4,
               coalesce(NOT list_contains(k.models, s.model), FALSE) AS new_model,
               coalesce(NOT list_contains(k.prompts, s.prompt), FALSE) AS new_prompt,
               k.networks IS NULL AS never_seen,
               coalesce(x.verified, FALSE) AS proven
        FROM key_sources s SEMI JOIN doubted_keys USING (key_id)
        JOIN key_habits h USING (key_id) LEFT JOIN known k USING (key_id)
        LEFT JOIN exposures x USING (key_id)
        WHERE s.first_seen > h.habit_until
    )
    SELECT *, new_client OR new_ja4 AS new_tool, new_model OR new_prompt AS new_purpose
    FROM judged WHERE new_network OR (never_seen AND exposed_at IS NOT NULL)
"""

# Another tool and another purpose at once is a stranger. One of the two is enough
# after an exposure, or when a key meets twice as many networks as it ever knew.
_FOREIGN_SOURCES = """
    CREATE OR REPLACE TEMP TABLE foreign_sources AS
    WITH habits AS (
        SELECT key_id, count(*) AS networks FROM own_facets
        WHERE facet = 'network' GROUP BY key_id
    ), crowds AS (
        SELECT key_id, count(DISTINCT network) AS networks FROM strange_sources
        WHERE new_tool GROUP BY key_id
    )
    SELECT s.* FROM strange_sources s
    LEFT JOIN habits h USING (key_id) LEFT JOIN crowds c USING (key_id)
    WHERE never_seen OR (new_tool AND new_purpose)
       OR (new_tool AND exposed_at IS NOT NULL)
       OR ((new_prompt OR (new_model AND prompt IS NULL)) AND proven)
       OR (new_tool AND c.networks >= greatest(5, 2 * coalesce(h.networks, 0)))
"""

# How an hour's requests divide between the old sources and the foreign ones. A
# migration moves from one to the other; a replay shows both, hour after hour.
_HOURS = """
    CREATE OR REPLACE TEMP TABLE key_hours AS
    SELECT u.key_id, date_trunc('hour', u.occurred_at) AS hour,
           sum(u.requests) FILTER (f.key_id IS NULL) AS owner_requests,
           sum(u.requests) FILTER (f.key_id IS NOT NULL) AS foreign_requests
    FROM usage u
    JOIN (SELECT DISTINCT key_id FROM foreign_sources) k USING (key_id)
    LEFT JOIN identifiers a ON a.kind = 'user_agent' AND a.identifier = u.user_agent
    LEFT JOIN foreign_sources f
           ON f.key_id = u.key_id AND f.ip IS NOT DISTINCT FROM u.ip
          AND f.client IS NOT DISTINCT FROM coalesce(a.client, u.user_agent)
          AND f.ja4 IS NOT DISTINCT FROM u.ja4 AND f.model IS NOT DISTINCT FROM u.model
          AND f.prompt IS NOT DISTINCT FROM u.prompt_hash
          AND f.paid_by IS NOT DISTINCT FROM u.paid_by
    GROUP BY u.key_id, hour
"""

# What `trace_keys` makes.
TRACES = (
    "key_sources", "exposures", "key_habits", "signed_in", "doubted_keys",
    "own_facets", "strange_sources", "foreign_sources", "key_hours",
)  # fmt: skip


def trace_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `key_sources`, `exposures`, `foreign_sources` and `key_hours`.

    Needs the tables of `graph.observations.observe`. One row of `foreign_sources` is
    one key x source with first_seen, last_seen, requests, errors, tokens, cost_usd.
    """
    for statement in (
        _SOURCES,
        _EXPOSURES,
        _HABIT,
        _SIGNED_IN,
        _DOUBTED,
        _OWN,
        _STRANGE,
        _FOREIGN_SOURCES,
        _HOURS,
    ):
        connection.execute(statement)
