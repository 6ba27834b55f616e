"""Who consumes a tenant's quota: each account, key and end user as a candidate.

A tenant's active time is cut in three; the last third is held against the first, so
that a share is judged by the tenant's own history.
"""

from __future__ import annotations

import duckdb
import pandas as pd

_SPANS = """
    CREATE OR REPLACE TEMP TABLE tenant_spans AS
    SELECT tenant_id, min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
           sum(cost_usd)::DOUBLE AS usage_usd, sum(requests) AS requests,
           min(occurred_at) + (max(occurred_at) - min(occurred_at)) / 3 AS first_third,
           max(occurred_at) - (max(occurred_at) - min(occurred_at)) / 3 AS last_third,
           coalesce(sum(cost_usd) FILTER (occurred_at > getvariable('as_of')
                                          - INTERVAL 24 HOUR), 0)::DOUBLE AS day_usd,
           count(*) FILTER (http_status = 429) AS limit_hits
    FROM usage WHERE tenant_id IS NOT NULL GROUP BY tenant_id
"""

_SLICES = """
    CREATE OR REPLACE TEMP TABLE tenant_slices AS
    WITH parts AS (
        SELECT tenant_id, account_id, key_id, end_user, ip, occurred_at, requests,
               cost_usd
        FROM usage WHERE tenant_id IS NOT NULL
    ), named AS (
        SELECT *, 'account' AS culprit_type, account_id AS culprit FROM parts
        UNION ALL SELECT *, 'key', key_id FROM parts
        UNION ALL SELECT *, 'end_user', end_user FROM parts
    )
    SELECT n.tenant_id, n.culprit_type, n.culprit,
           min(n.account_id) AS account_id, min(n.key_id) AS key_id,
           count(DISTINCT n.key_id) AS keys, count(DISTINCT n.end_user) AS end_users,
           sum(n.requests) AS requests, sum(n.cost_usd)::DOUBLE AS usd,
           coalesce(sum(n.cost_usd) FILTER (n.occurred_at <= s.first_third), 0)::DOUBLE
               AS before_usd,
           coalesce(sum(n.cost_usd) FILTER (n.occurred_at > s.last_third), 0)::DOUBLE
               AS recent_usd,
           min(n.occurred_at) AS first_use, max(n.occurred_at) AS last_use
    FROM named n JOIN tenant_spans s USING (tenant_id)
    WHERE n.culprit IS NOT NULL
    GROUP BY n.tenant_id, n.culprit_type, n.culprit
"""

# The share of a candidate's requests in its own eight quietest hours of the day: a
# third for what never sleeps, a tenth for what follows people.
_QUIET = """
    CREATE OR REPLACE TEMP TABLE tenant_quiet AS
    WITH clock AS (
        SELECT tenant_id, hour(occurred_at) AS hour, account_id, key_id, end_user,
               sum(requests) AS requests
        FROM usage WHERE tenant_id IS NOT NULL GROUP BY ALL
    ), named AS (
        SELECT tenant_id, 'account' AS culprit_type, account_id AS culprit, hour,
               sum(requests) AS requests FROM clock GROUP BY ALL
        UNION ALL
        SELECT tenant_id, 'key', key_id, hour, sum(requests) FROM clock GROUP BY ALL
        UNION ALL
        SELECT tenant_id, 'end_user', end_user, hour, sum(requests) FROM clock
        GROUP BY ALL
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY tenant_id, culprit_type, culprit
                                     ORDER BY requests DESC, hour) AS place
        FROM named WHERE culprit IS NOT NULL
    )
    SELECT tenant_id, culprit_type, culprit,
           coalesce(sum(requests) FILTER (place > 16), 0) / sum(requests) AS quiet_share
    FROM ranked GROUP BY tenant_id, culprit_type, culprit
"""

# Gaps between requests, of those that take a twentieth of their tenant or more.
_REGULARITY = """
    CREATE OR REPLACE TEMP TABLE tenant_gaps AS
    WITH big AS (
        SELECT s.tenant_id, s.culprit_type, s.culprit FROM tenant_slices s
        JOIN tenant_spans t USING (tenant_id)
        WHERE s.usd >= 0.05 * t.usage_usd
    ), moments AS (
        SELECT b.tenant_id, b.culprit_type, b.culprit, u.occurred_at FROM usage u
        JOIN big b ON b.tenant_id = u.tenant_id
             AND b.culprit = CASE b.culprit_type WHEN 'account' THEN u.account_id
                                  WHEN 'key' THEN u.key_id ELSE u.end_user END
    ), gaps AS (
        SELECT *, epoch(occurred_at - lag(occurred_at) OVER (
                   PARTITION BY tenant_id, culprit_type, culprit
                   ORDER BY occurred_at)) AS gap FROM moments
    )
    SELECT tenant_id, culprit_type, culprit,
           round(stddev_pop(gap) / nullif(avg(gap), 0), 6) AS gap_variation
    FROM gaps WHERE gap IS NOT NULL GROUP BY tenant_id, culprit_type, culprit
"""

_CANDIDATES = """
    WITH totals AS (
        SELECT tenant_id, culprit_type, count(*) AS siblings,
               greatest(sum(before_usd), 1e-9) AS before_total,
               greatest(sum(recent_usd), 1e-9) AS recent_total
        FROM tenant_slices GROUP BY tenant_id, culprit_type
    ), signed_in AS (
        SELECT account_id, count(*) AS sessions FROM seen
        WHERE type = 'session.started' GROUP BY account_id
    ), left_members AS (
        SELECT tenant_id, account_id, max(occurred_at) AS left_at FROM seen
        WHERE type = 'member.removed' GROUP BY tenant_id, account_id
    )
    SELECT s.*, t.siblings,
           s.before_usd / t.before_total AS before_share,
           s.recent_usd / t.recent_total AS recent_share,
           coalesce(g.gap_variation, 9.0) AS gap_variation, q.quiet_share,
           coalesce(i.sessions, 0) AS sessions,
           s.culprit_type = 'account' AS is_person,
           coalesce(s.last_use > l.left_at + INTERVAL 1 DAY, FALSE) AS control_broken
    FROM tenant_slices s
    JOIN totals t USING (tenant_id, culprit_type)
    LEFT JOIN tenant_gaps g USING (tenant_id, culprit_type, culprit)
    LEFT JOIN tenant_quiet q USING (tenant_id, culprit_type, culprit)
    LEFT JOIN signed_in i ON i.account_id = s.account_id
    LEFT JOIN left_members l
           ON l.tenant_id = s.tenant_id AND l.account_id = s.account_id
    WHERE t.siblings >= 2
    ORDER BY s.tenant_id, s.culprit_type, s.culprit
"""

# A quota's period is a month where the log does not say; hours left at today's pace.
_TENANTS = """
    WITH named AS (
        SELECT tenant_id, min(occurred_at) AS first_seen,
               max(occurred_at) AS last_seen
        FROM seen WHERE tenant_id IS NOT NULL AND type NOT LIKE '%.reviewed'
        GROUP BY tenant_id
        UNION ALL BY NAME
        SELECT tenant_id, min(occurred_at) AS first_seen,
               max(occurred_at) AS last_seen
        FROM seen WHERE type = 'tenant.reviewed' GROUP BY tenant_id
    ), quotas AS (
        SELECT tenant_id, arg_max(limit_usd, occurred_at)::DOUBLE AS limit_usd,
               coalesce(arg_max(period, occurred_at), 'month') AS period
        FROM seen WHERE type = 'quota.set' GROUP BY tenant_id
    ), members AS (
        SELECT tenant_id, count(DISTINCT account_id) AS members FROM seen
        WHERE tenant_id IS NOT NULL AND account_id IS NOT NULL GROUP BY tenant_id
    ), used AS (
        SELECT u.tenant_id, sum(u.cost_usd)::DOUBLE AS used_usd FROM usage u
        JOIN quotas q USING (tenant_id)
        WHERE u.occurred_at >= date_trunc(q.period, getvariable('as_of')::TIMESTAMP)
        GROUP BY u.tenant_id
    )
    SELECT n.tenant_id, min(n.first_seen) AS first_seen, max(n.last_seen) AS last_seen,
           coalesce(min(m.members), 0) AS members,
           coalesce(min(s.usage_usd), 0) AS usage_usd,
           coalesce(min(s.limit_hits), 0) AS limit_hits,
           min(q.limit_usd) AS limit_usd,
           min(CASE WHEN s.day_usd > 0 AND q.limit_usd IS NOT NULL
                THEN greatest(q.limit_usd - coalesce(c.used_usd, 0), 0)
                     / (s.day_usd / 24) END) AS hours_to_exhaustion
    FROM named n
    LEFT JOIN tenant_spans s USING (tenant_id) LEFT JOIN quotas q USING (tenant_id)
    LEFT JOIN members m USING (tenant_id) LEFT JOIN used c USING (tenant_id)
    GROUP BY n.tenant_id ORDER BY n.tenant_id
"""


def tenant_frames(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every named tenant, and every candidate culprit of those with several.

    Both sorted by id. Shares are of the tenant's cost, 0 to 1; `gap_variation` is
    the coefficient of variation of the gaps between requests (9 where unmeasured).
    """
    for statement in (_SPANS, _SLICES, _QUIET, _REGULARITY):
        connection.execute(statement)
    return connection.execute(_TENANTS).df(), connection.execute(_CANDIDATES).df()
