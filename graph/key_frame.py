"""One row a key: its owner, its exposure, its owner's traffic and the foreign one."""

from __future__ import annotations

import duckdb
import pandas as pd

from graph.seen import frame

# Keys of one crew: foreign sources on several owners' keys share an address or a
# system prompt that no owner uses himself. Hubs (more than 50 owners) say nothing.
_CREW_MARKS = """
    CREATE OR REPLACE TEMP TABLE crew_marks AS
    WITH marks AS (
        SELECT DISTINCT key_id, account_id, 'ip:' || ip AS mark FROM foreign_sources
        WHERE ip IS NOT NULL
        UNION
        SELECT DISTINCT key_id, account_id, 'prompt:' || prompt FROM foreign_sources
        WHERE prompt IS NOT NULL
    ), honest AS (
        SELECT 'ip:' || ip AS mark FROM key_sources s
        SEMI JOIN foreign_sources m ON m.ip = s.ip
        ANTI JOIN foreign_sources f ON f.key_id = s.key_id AND f.ip = s.ip
        UNION
        SELECT 'prompt:' || prompt FROM key_sources s
        SEMI JOIN foreign_sources m ON m.prompt = s.prompt
        ANTI JOIN foreign_sources f ON f.key_id = s.key_id AND f.prompt = s.prompt
    )
    SELECT m.* FROM marks m JOIN (
        SELECT mark FROM marks GROUP BY mark
        HAVING count(DISTINCT account_id) BETWEEN 2 AND 50
    ) USING (mark)
    ANTI JOIN honest USING (mark)
"""

_FRAME = """
    WITH every_key AS (
        SELECT DISTINCT key_id::VARCHAR AS key_id FROM deeds WHERE key_id IS NOT NULL
        UNION SELECT DISTINCT key_id::VARCHAR FROM key_sources
        UNION SELECT key_id FROM exposures WHERE key_id IS NOT NULL
    ), resolved AS (
        SELECT DISTINCT coalesce(a.key_id, k.key_id) AS key_id
        FROM every_key k LEFT JOIN key_aliases a ON a.key_hash = k.key_id
    ), mine AS (
        SELECT key_id, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               sum(requests) AS requests, sum(cost_usd)::DOUBLE AS usage_usd,
               sum(tokens) AS tokens,
               count(DISTINCT network) AS networks,
               count(DISTINCT client) AS clients,
               min(first_tenant) <> max(last_tenant) AS several_tenants
        FROM key_sources GROUP BY key_id
    ), theirs AS (
        SELECT key_id, min(first_seen) AS foreign_first, max(last_seen) AS foreign_last,
               min(first_seen) FILTER (cost_usd > 0) AS foreign_first_paid,
               sum(requests) AS foreign_requests, sum(cost_usd)::DOUBLE AS foreign_usd,
               coalesce(sum(errors), 0) AS foreign_errors,
               count(DISTINCT network) AS foreign_networks,
               count(DISTINCT ip) AS foreign_ips,
               bool_or(new_client) AS new_client, bool_or(new_ja4) AS new_ja4,
               bool_or(new_model) AS new_model, bool_or(new_prompt) AS new_prompt,
               avg(new_tool::INT) AS tool_shift,
               avg(new_model::INT) AS model_shift, avg(new_prompt::INT) AS prompt_shift,
               bool_or(network_class IN ('datacentre', 'vpn', 'tor')) AS from_hosting
        FROM foreign_sources GROUP BY key_id
    ), hours AS (
        SELECT key_id,
               count(*) FILTER (owner_requests > 0 AND foreign_requests > 0)
                   AS shared_hours,
               count(*) FILTER (foreign_requests > 0) AS foreign_hours
        FROM key_hours GROUP BY key_id
    ), after AS (
        SELECT h.key_id, count(*) AS owner_hours_after, max(h.hour) AS owner_last
        FROM key_hours h
        JOIN theirs t USING (key_id)
        WHERE h.owner_requests > 0 AND h.hour >= date_trunc('hour', t.foreign_first)
        GROUP BY h.key_id
    ), revoked AS (
        SELECT key_id, min(occurred_at) AS revoked_at,
               arg_min(reason, (occurred_at, reason)) AS revoked_for
        FROM deeds WHERE type = 'key.revoked' GROUP BY key_id
    ), made AS (
        SELECT key_id, min(occurred_at) AS created_at, min(tenant_id) AS tenant_id,
               min(account_id) AS account_id, max(scopes) AS scopes,
               min(expires_at) AS expires_at, min(replaces) AS replaces
        FROM deeds WHERE type = 'key.created' GROUP BY key_id
    ), rotated AS (
        SELECT DISTINCT replaces AS key_id FROM deeds WHERE replaces IS NOT NULL
    ), crews AS (
        SELECT m.key_id, count(DISTINCT o.account_id) AS crew_owners
        FROM crew_marks m JOIN crew_marks o USING (mark)
        WHERE m.account_id <> o.account_id GROUP BY m.key_id
    )
    SELECT r.key_id, coalesce(d.account_id, o.account_id) AS account_id,
           coalesce(d.tenant_id, o.tenant_id) AS tenant_id,
           d.created_at, v.revoked_at, v.revoked_for, d.scopes, d.expires_at,
           n.key_id IS NOT NULL AS rotated,
           x.exposed_at, x.reported_at, coalesce(x.verified, FALSE) AS verified,
           x.location, x.detector,
           m.first_seen, m.last_seen, m.requests, m.usage_usd, m.tokens, m.networks,
           m.clients, m.several_tenants, t.* EXCLUDE (key_id), h.shared_hours,
           h.foreign_hours, f.owner_hours_after, f.owner_last, c.crew_owners
    FROM resolved r
    LEFT JOIN made d USING (key_id) LEFT JOIN owners o USING (key_id)
    LEFT JOIN revoked v USING (key_id) LEFT JOIN rotated n USING (key_id)
    LEFT JOIN exposures x USING (key_id) LEFT JOIN mine m USING (key_id)
    LEFT JOIN theirs t USING (key_id) LEFT JOIN hours h USING (key_id)
    LEFT JOIN after f USING (key_id) LEFT JOIN crews c USING (key_id)
    ORDER BY r.key_id
"""

_COUNTS = [
    "requests", "usage_usd", "tokens", "networks", "clients", "foreign_requests",
    "foreign_usd", "foreign_errors", "foreign_networks", "foreign_ips", "tool_shift",
    "model_shift", "prompt_shift", "shared_hours", "foreign_hours",
    "owner_hours_after", "crew_owners",
]  # fmt: skip
_FLAGS = [
    "new_client", "new_ja4", "new_model", "new_prompt", "from_hosting",
    "several_tenants",
]  # fmt: skip


def key_frame(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Every key that was ever seen, sorted by id. Needs `graph.key_use.trace_keys`."""
    connection.execute(_CREW_MARKS)
    keys = frame(connection, _FRAME)
    keys[_COUNTS] = keys[_COUNTS].astype("float64").fillna(0.0)
    keys[_FLAGS] = keys[_FLAGS].astype("boolean").fillna(False).astype(bool)
    return keys
