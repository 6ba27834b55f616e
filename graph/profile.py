"""One row an account: how it came, what it used, what it paid, how it went.

The frame that linking and the detectors read. Times are naive UTC; `silent_hours` is
counted from the moment detection looks from.
"""

from __future__ import annotations

import duckdb
import pandas as pd

from graph.money import SETTLED
from graph.seen import frame, let_go

_SIGN_UP = """
    CREATE OR REPLACE TEMP TABLE sign_ups AS
    WITH born AS (
        SELECT account_id, min(occurred_at) AS created_at,
               arg_min(email, (occurred_at, email)) AS email,
               arg_min(ip, (occurred_at, ip)) AS sign_up_ip,
               arg_min(user_agent, (occurred_at, user_agent)) AS sign_up_agent,
               arg_min(ja4, (occurred_at, ja4)) AS sign_up_ja4,
               arg_min(device_id, (occurred_at, device_id)) AS sign_up_device,
               max(invited_by) AS invited_by
        FROM deeds WHERE type = 'account.created' GROUP BY account_id
    ), did AS (
        SELECT account_id,
               max(occurred_at) FILTER (type = 'account.closed') AS closed_at,
               max(plan) AS plan,
               max(referral_code) AS referral_code, max(tenant_id) AS tenant_id,
               min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
               count(*) FILTER (type = 'session.started') AS sessions,
               max(occurred_at) FILTER (type = 'session.started') AS last_session,
               count(*) FILTER (type = 'key.created') AS keys_created,
               count(*) FILTER (type = 'limit.raised') AS limit_raises,
               min(occurred_at) FILTER (type = 'limit.raised') AS limit_raised_at
        FROM deeds
        WHERE account_id IS NOT NULL AND type NOT LIKE '%.reviewed'
        GROUP BY account_id
    ), used AS (
        SELECT named_account_id AS account_id, max(named_tenant_id) AS tenant_id,
               min(occurred_at) AS first_seen, max(occurred_at) AS last_seen
        FROM usage WHERE named_account_id IS NOT NULL GROUP BY named_account_id
    )
    SELECT coalesce(d.account_id, u.account_id)::VARCHAR AS account_id,
           b.* EXCLUDE (account_id),
           d.* EXCLUDE (account_id, tenant_id, first_seen, last_seen)
               REPLACE (coalesce(sessions, 0) AS sessions,
                        coalesce(keys_created, 0) AS keys_created,
                        coalesce(limit_raises, 0) AS limit_raises),
           greatest(d.tenant_id::VARCHAR, u.tenant_id::VARCHAR) AS tenant_id,
           least(d.first_seen, u.first_seen) AS first_seen,
           greatest(d.last_seen, u.last_seen) AS last_seen
    FROM did d FULL JOIN used u ON d.account_id = u.account_id
    LEFT JOIN born b ON b.account_id = d.account_id
"""

# Removed by the company, or called abusive by a person: who comes after came back.
_REMOVED = r"""
    CREATE OR REPLACE TEMP TABLE removals AS
    SELECT account_id, min(occurred_at) AS removed_at FROM deeds
    WHERE account_id IS NOT NULL AND (
        type = 'account.closed'
            AND regexp_matches(lower(reason), '\b(ban(ned)?|abus(e|ive)|fraud)')
        OR type = 'account.reviewed' AND verdict = 'abusive')
    GROUP BY account_id
"""

# The moments of burning: centroid and spread stand for the shape of the curve.
_BURN = """
    CREATE OR REPLACE TEMP TABLE burns AS
    SELECT u.account_id,
           min(u.occurred_at) AS first_use, max(u.occurred_at) AS last_use,
           sum(u.requests)::BIGINT AS requests,
           sum(u.input_tokens)::BIGINT AS input_tokens,
           sum(u.output_tokens)::BIGINT AS output_tokens,
           count(*) FILTER (u.http_status = 429) AS limit_hits,
           count(*) FILTER (u.http_status >= 400) AS errors,
           count(DISTINCT date_trunc('hour', u.occurred_at)) AS active_hours,
           count(DISTINCT u.occurred_at::DATE) AS active_days,
           count(DISTINCT u.model) AS models, min(u.model) AS model,
           min(u.endpoint) AS endpoint, min(u.prompt_hash) AS prompt,
           min(u.user_agent) AS api_agent, min(u.ja4) AS api_ja4,
           count(DISTINCT u.prompt_hash) AS prompts,
           avg(date_diff('second', TIMESTAMP '2000-01-01', u.occurred_at)) AS centroid
    FROM usage u WHERE u.account_id IS NOT NULL GROUP BY u.account_id
"""

_EVERYONE = """
    CREATE OR REPLACE TEMP TABLE everyone AS
    SELECT account_id::VARCHAR AS account_id FROM (
        SELECT account_id FROM deeds UNION SELECT account_id FROM usage
    ) WHERE account_id IS NOT NULL
    UNION SELECT account_id FROM owners WHERE account_id IS NOT NULL
"""

# An organisation of three or more that pays for half of what it uses, by invoice or by
# charges nobody disputed; where the log tells nothing of money, one that has a quota.
_PAYING_TENANTS = """
    CREATE OR REPLACE TEMP TABLE paying_tenants AS
    WITH used AS (
        SELECT tenant_id::VARCHAR AS tenant_id, sum(cost_usd) AS usd,
               coalesce(sum(cost_usd) FILTER (paid_by = 'invoice'), 0) AS invoiced,
               count(paid_by) AS told
        FROM usage WHERE tenant_id IS NOT NULL GROUP BY usage.tenant_id
    ), members AS (
        SELECT s.tenant_id, count(*) AS members, sum(p.honest_usd) AS charged,
               count(c.account_id) AS granted
        FROM sign_ups s LEFT JOIN payments p USING (account_id)
        LEFT JOIN credit c USING (account_id)
        WHERE s.tenant_id IS NOT NULL GROUP BY s.tenant_id
    ), quotas AS (SELECT DISTINCT tenant_id::VARCHAR AS tenant_id FROM deeds
                 WHERE type = 'quota.set')
    SELECT m.tenant_id FROM members m
    LEFT JOIN used u USING (tenant_id) LEFT JOIN quotas q USING (tenant_id)
    WHERE m.members >= 3
      AND (2 * (coalesce(u.invoiced, 0) + coalesce(m.charged, 0)) >= u.usd
               AND coalesce(u.invoiced, 0) + coalesce(m.charged, 0) > 0
           OR q.tenant_id IS NOT NULL AND coalesce(u.told, 0) = 0 AND m.granted = 0)
"""

_PROFILES = """
    CREATE OR REPLACE TEMP TABLE profiles AS
    SELECT e.account_id, s.* EXCLUDE (account_id), b.* EXCLUDE (account_id),
           m.* EXCLUDE (account_id),
           p.declines, p.successes, p.honest_charges, p.disputed_charges,
           coalesce(p.chargeback, FALSE) AS chargeback,
           coalesce(p.warning, FALSE) AS warning,
           p.disputed_at, p.declined_cards, p.first_paid_at, p.first_bad_at,
           p.charges_in_a_day,
           coalesce(c.cards, 0) AS cards, coalesce(c.cvc_failed, 0) AS cvc_failed,
           coalesce(c.avs_failed, 0) AS avs_failed,
           c.first_card_at, c.last_card_at, coalesce(c.prepaid, FALSE) AS prepaid,
           c.card_country, c.card_bin,
           em.domain AS email_domain, em.class AS email_class,
           em.template AS email_template,
           regexp_replace(em.template, '[0-9]+', '', 'g') AS email_structure,
           em.stem AS email_stem,
           em.number AS email_number, em.skeleton AS email_skeleton,
           ip.class AS ip_class, ip.prefix AS ip_prefix, ip.asn AS ip_asn,
           ip.country AS ip_country,
           coalesce(ua.client, s.sign_up_agent) AS client,
           t.tenant_id IS NOT NULL AS tenant_pays, r.removed_at
    FROM everyone e
    LEFT JOIN sign_ups s USING (account_id)
    LEFT JOIN burns b USING (account_id)
    LEFT JOIN money m USING (account_id)
    LEFT JOIN payments p USING (account_id)
    LEFT JOIN (SELECT account_id, count(DISTINCT card) AS cards,
                      count(*) FILTER (cvc_failed) AS cvc_failed,
                      count(*) FILTER (avs_failed) AS avs_failed,
                      min(added_at) AS first_card_at, max(added_at) AS last_card_at,
                      bool_or(funding = 'prepaid') AS prepaid,
                      min(country) AS card_country,
                      arg_min(bin, (added_at, payment_method_id)) AS card_bin
               FROM payment_methods GROUP BY account_id) c USING (account_id)
    LEFT JOIN identifiers em ON em.kind = 'email' AND em.identifier = s.email
    LEFT JOIN identifiers ip ON ip.kind = 'ip' AND ip.identifier = s.sign_up_ip
    LEFT JOIN identifiers ua
           ON ua.kind = 'user_agent' AND ua.identifier = s.sign_up_agent
    LEFT JOIN removals r USING (account_id)
    LEFT JOIN paying_tenants t ON t.tenant_id = s.tenant_id
"""

_ZERO = [
    "sessions", "keys_created", "limit_raises", "requests", "input_tokens",
    "output_tokens", "limit_hits", "errors", "active_hours", "active_days", "models",
    "prompts", "usage_usd", "free_usd", "free_grants", "reset_grants", "honest_usd",
    "disputed_usd", "credit_usd", "unpaid_usd", "declines", "successes",
    "honest_charges", "disputed_charges", "owed_usd", "declined_cards",
    "charges_in_a_day",
]  # fmt: skip

_STATEMENTS = (_SIGN_UP, _REMOVED, _BURN, _EVERYONE, _PAYING_TENANTS, _PROFILES)
_TABLES = ("sign_ups", "removals", "burns", "everyone", "paying_tenants")


def profile(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Every account that was ever seen, sorted by id, with what is known of it.

    Needs the tables of `graph.observations.observe` and `graph.money.settle`, and lets
    go of the latter before the frame is made, for which there must be room. Money
    columns are float US dollars, counts are float (missing is zero).
    """
    for statement in _STATEMENTS:
        connection.execute(statement)
    let_go(connection, (*SETTLED, *_TABLES))
    profiles = frame(connection, "FROM profiles ORDER BY account_id")
    let_go(connection, ("profiles",))
    profiles[_ZERO] = profiles[_ZERO].astype("float64").fillna(0.0)
    now = connection.execute("SELECT getvariable('as_of') AS now").df()["now"].iloc[0]
    last = profiles[["last_seen", "last_use"]].max(axis=1)
    profiles["silent_hours"] = (now - last).dt.total_seconds() / 3600
    return profiles
