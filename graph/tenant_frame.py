"""Who consumes a tenant's quota: each account, key, end user and IP as a candidate.

Each candidate's time is cut at the day from which its share stands highest above what
it was, so that a share is judged by the tenant's own history.
"""

from __future__ import annotations

import duckdb
import pandas as pd

from graph.seen import frame, let_go

_SPANS = """
    CREATE OR REPLACE TEMP TABLE tenant_spans AS
    SELECT tenant_id, min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
           sum(cost_usd)::DOUBLE AS usage_usd, sum(requests) AS requests,
           coalesce(sum(cost_usd) FILTER (occurred_at > getvariable('as_of')
                                          - INTERVAL 24 HOUR), 0)::DOUBLE AS day_usd,
           count(*) FILTER (http_status = 429) AS limit_hits
    FROM usage WHERE tenant_id IS NOT NULL GROUP BY tenant_id
"""

# What strangers take on a leaked key is the key's case, not its owner's.
_USE = """
    CREATE OR REPLACE TEMP TABLE tenant_use AS
    SELECT tenant_id, account_id, key_id, end_user, ip, prompt_hash AS prompt,
           date_trunc('hour', occurred_at) AS hour,
           sum(requests) AS requests, coalesce(sum(cost_usd), 0) AS usd
    FROM usage ANTI JOIN replayed_keys USING (key_id)
    WHERE tenant_id IS NOT NULL GROUP BY ALL
"""

# Who takes less than this of a tenant can't be what drains it.
_SLICES = """
    CREATE OR REPLACE TEMP TABLE tenant_slices AS
    WITH named AS (
        SELECT *, 'account' AS culprit_type, account_id AS culprit FROM tenant_use
        UNION ALL SELECT *, 'key', key_id FROM tenant_use
        UNION ALL SELECT *, 'end_user', end_user FROM tenant_use
        UNION ALL SELECT *, 'ip', ip FROM tenant_use
    )
    SELECT tenant_id, culprit_type, culprit, sum(usd)::DOUBLE AS usd,
           count(*) OVER (PARTITION BY tenant_id, culprit_type) AS siblings
    FROM named WHERE culprit IS NOT NULL GROUP BY tenant_id, culprit_type, culprit
    QUALIFY siblings >= 2
        AND sum(usd) >= 0.02 * sum(sum(usd)) OVER (PARTITION BY tenant_id, culprit_type)
"""

_CLOCK = """
    CREATE OR REPLACE TEMP TABLE tenant_clock AS
    SELECT s.tenant_id, s.culprit_type, s.culprit, u.account_id, u.key_id, u.end_user,
           u.prompt, u.hour, u.requests, u.usd
    FROM tenant_slices s JOIN tenant_use u
      ON u.tenant_id = s.tenant_id
     AND s.culprit = CASE s.culprit_type WHEN 'account' THEN u.account_id
                          WHEN 'key' THEN u.key_id WHEN 'end_user' THEN u.end_user
                          ELSE u.ip END
"""

# The day from which a candidate's share stands highest above what it was before: the
# largest (share after - share before) x sqrt(use before x use after), the statistic
# of a least-squares change point. Three days at least are the tenant's history.
_TURNS = """
    CREATE OR REPLACE TEMP TABLE tenant_turns AS
    WITH daily AS (
        SELECT tenant_id, hour::DATE AS day, sum(usd)::DOUBLE AS usd
        FROM tenant_use GROUP BY tenant_id, day
    ), days AS (
        SELECT tenant_id, day, sum(usd) OVER before AS whole_before,
               sum(usd) OVER (PARTITION BY tenant_id) AS whole,
               day - min(day) OVER (PARTITION BY tenant_id) AS age,
               1 + max(day) OVER (PARTITION BY tenant_id) - day AS days_left
        FROM daily
        WINDOW before AS (PARTITION BY tenant_id ORDER BY day
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), own AS (
        SELECT tenant_id, culprit_type, culprit, hour::DATE AS day,
               sum(usd)::DOUBLE AS usd
        FROM tenant_clock GROUP BY ALL
    ), grown AS (
        SELECT s.tenant_id, s.culprit_type, s.culprit, s.usd AS mine, d.day, d.whole,
               d.whole_before, d.age, d.days_left,
               coalesce(sum(o.usd) OVER (
                   PARTITION BY s.tenant_id, s.culprit_type, s.culprit ORDER BY d.day
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS mine_before
        FROM tenant_slices s JOIN days d USING (tenant_id)
        LEFT JOIN own o ON o.tenant_id = s.tenant_id AND o.day = d.day
             AND o.culprit_type = s.culprit_type AND o.culprit = s.culprit
    ), turns AS (
        SELECT *, mine_before / whole_before AS before_share,
               (mine - mine_before) / (whole - whole_before) AS recent_share
        FROM grown
        WHERE age >= 3 AND whole_before > 0 AND whole - whole_before > 1e-9
    )
    SELECT DISTINCT ON (tenant_id, culprit_type, culprit)
           tenant_id, culprit_type, culprit, day AS turned_at, before_share,
           recent_share, mine_before AS before_usd, mine - mine_before AS recent_usd,
           mine_before / age AS before_pace,
           (mine - mine_before) / days_left AS recent_pace,
           whole_before / age AS whole_before_pace,
           (whole - whole_before) / days_left AS whole_recent_pace,
           days_left AS recent_days
    FROM turns
    ORDER BY tenant_id, culprit_type, culprit,
             round((recent_share - before_share)
                   * sqrt(whole_before * (whole - whole_before)), 9) DESC, day
"""

# The share of a candidate's requests in its own eight quietest hours of the day: a
# third for what never sleeps, a tenth for what follows people. After the turn only.
_QUIET = """
    CREATE OR REPLACE TEMP TABLE tenant_quiet AS
    WITH clock AS (
        SELECT c.tenant_id, c.culprit_type, c.culprit, hour(c.hour) AS hour,
               sum(c.requests) AS requests
        FROM tenant_clock c JOIN tenant_turns t USING (tenant_id, culprit_type, culprit)
        WHERE c.hour >= t.turned_at GROUP BY ALL
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY tenant_id, culprit_type, culprit
                                     ORDER BY requests DESC, hour) AS place
        FROM clock
    )
    SELECT tenant_id, culprit_type, culprit,
           coalesce(sum(requests) FILTER (place > 16), 0) / sum(requests) AS quiet_share
    FROM ranked GROUP BY tenant_id, culprit_type, culprit
"""

# Gaps between requests after the turn, of those that take a twentieth of it or more.
_REGULARITY = """
    CREATE OR REPLACE TEMP TABLE tenant_gaps AS
    WITH moments AS (
        SELECT b.tenant_id, b.culprit_type, b.culprit, u.occurred_at FROM usage u
        JOIN tenant_turns b ON b.tenant_id = u.tenant_id
             AND b.culprit = CASE b.culprit_type WHEN 'account' THEN u.account_id
                                  WHEN 'key' THEN u.key_id
                                  WHEN 'end_user' THEN u.end_user ELSE u.ip END
        WHERE b.recent_share >= 0.05 AND u.occurred_at >= b.turned_at
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
    WITH behind AS (
        SELECT tenant_id, culprit_type, culprit,
               min(account_id) AS account_id, min(key_id) AS key_id,
               count(DISTINCT account_id) AS members, count(DISTINCT key_id) AS keys,
               count(DISTINCT end_user) AS end_users, count(DISTINCT prompt) AS prompts,
               sum(requests) AS requests, max(hour) AS last_use
        FROM tenant_clock GROUP BY tenant_id, culprit_type, culprit
    ), signed_in AS (
        SELECT account_id, count(*) AS sessions FROM deeds
        WHERE type = 'session.started' GROUP BY account_id
    ), quotas AS (
        SELECT tenant_id, arg_max(limit_usd, occurred_at)::DOUBLE
                   / CASE coalesce(arg_max(period, occurred_at), 'month')
                          WHEN 'day' THEN 1 ELSE 30 END AS limit_usd_per_day
        FROM deeds WHERE type = 'quota.set' GROUP BY tenant_id
    ), left_members AS (
        SELECT tenant_id, account_id, max(occurred_at) AS left_at FROM deeds
        WHERE type = 'member.removed' GROUP BY tenant_id, account_id
    )
    SELECT s.*, b.* EXCLUDE (tenant_id, culprit_type, culprit),
           t.* EXCLUDE (tenant_id, culprit_type, culprit),
           coalesce(g.gap_variation, 9.0) AS gap_variation, q.quiet_share,
           coalesce(i.sessions, 0) AS sessions,
           t.whole_recent_pace / nullif(l.limit_usd_per_day, 0) AS quota_pace,
           n.limit_hits, s.culprit_type = 'account' AS is_person,
           coalesce(b.last_use > m.left_at + INTERVAL 1 DAY, FALSE) AS control_broken
    FROM tenant_slices s
    JOIN behind b USING (tenant_id, culprit_type, culprit)
    JOIN tenant_turns t USING (tenant_id, culprit_type, culprit)
    LEFT JOIN tenant_gaps g USING (tenant_id, culprit_type, culprit)
    LEFT JOIN tenant_quiet q USING (tenant_id, culprit_type, culprit)
    LEFT JOIN signed_in i ON i.account_id = b.account_id
    LEFT JOIN left_members m
           ON m.tenant_id = s.tenant_id AND m.account_id = b.account_id
    LEFT JOIN quotas l ON l.tenant_id = s.tenant_id
    LEFT JOIN tenant_spans n ON n.tenant_id = s.tenant_id
    ORDER BY s.tenant_id, s.culprit_type, s.culprit
"""

# A quota's period is a month where the log does not say; hours left at today's pace.
_TENANTS = """
    WITH named AS (
        SELECT tenant_id::VARCHAR AS tenant_id, min(occurred_at) AS first_seen,
               max(occurred_at) AS last_seen
        FROM deeds
        WHERE tenant_id IS NOT NULL
          AND (type NOT LIKE '%.reviewed' OR type = 'tenant.reviewed')
        GROUP BY deeds.tenant_id
        UNION ALL
        SELECT named_tenant_id::VARCHAR, min(occurred_at), max(occurred_at)
        FROM usage WHERE named_tenant_id IS NOT NULL GROUP BY usage.named_tenant_id
    ), quotas AS (
        SELECT tenant_id,
               arg_max(limit_usd, (occurred_at, limit_usd))::DOUBLE AS limit_usd,
               coalesce(arg_max(period, (occurred_at, period)), 'month') AS period
        FROM deeds WHERE type = 'quota.set' GROUP BY tenant_id
    ), members AS (
        SELECT tenant_id, count(*) AS members FROM (
            SELECT DISTINCT tenant_id::VARCHAR AS tenant_id, account_id::VARCHAR
            FROM deeds WHERE tenant_id IS NOT NULL AND account_id IS NOT NULL
            UNION SELECT DISTINCT named_tenant_id::VARCHAR, named_account_id::VARCHAR
            FROM usage
            WHERE named_tenant_id IS NOT NULL AND named_account_id IS NOT NULL
        ) GROUP BY tenant_id
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

_TABLES = (
    "tenant_spans", "tenant_use", "tenant_slices", "tenant_clock", "tenant_turns",
    "tenant_quiet", "tenant_gaps",
)  # fmt: skip


def tenant_frames(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every named tenant, and every candidate culprit of those with several.

    Both sorted by id. Shares are of the tenant's cost, 0 to 1; `gap_variation` is
    the coefficient of variation of the gaps between requests (9 where unmeasured).
    """
    for statement in (_SPANS, _USE, _SLICES, _CLOCK, _TURNS, _QUIET, _REGULARITY):
        connection.execute(statement)
    frames = frame(connection, _TENANTS), frame(connection, _CANDIDATES)
    let_go(connection, _TABLES)
    return frames
