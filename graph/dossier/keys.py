"""The audit of keys: which are exposed, shared or unused, and which go first."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from graph.dossier import Dossier

PAGE = 50

# The most urgent first: what a thief may hold, whose abuse names nobody, what nobody
# would miss, what lives for ever (OWASP NHI2, NHI9, NHI1 and NHI7 of 2025).
FINDINGS = (
    "exposed_and_alive",
    "shared_by_tenants",
    "shared_by_many_tools",
    "unused",
    "never_rotated_nor_expiring",
)

# Detection finds all but the sharing by tenants, which the accounts tell; an account
# without a tenant is its own.
_AUDITED = """
    WITH used_by AS (
        SELECT o.identifier AS key_id, count(DISTINCT o.account_id) AS users,
               count(DISTINCT coalesce(nullif(a.tenant_id, ''), 'account '
                   || a.account_id)) AS tenants
        FROM ties_of_thing o JOIN accounts a USING (account_id)
        WHERE o.kind = 'key' GROUP BY ALL
    ), tools AS (
        SELECT key_id, count(*) AS tools FROM key_observations
        WHERE kind = 'client' GROUP BY ALL
    ), told AS (
        SELECT k.*, coalesce(u.users, 0) AS users, coalesce(u.tenants, 0) AS tenants,
               coalesce(t.tools, 0) AS tools,
               from_json(coalesce(nullif(k.audit, ''), '[]'), '["VARCHAR"]') AS audited
        FROM keys k LEFT JOIN used_by u USING (key_id) LEFT JOIN tools t USING (key_id)
        WHERE k.revoked_at IS NULL
    ), audit AS (
        SELECT key_id, coalesce(account_id, '') AS account_id, action,
               coalesce(typology, '') AS typology, exposed_at, last_seen, users,
               tenants, tools, coalesce(cost_usd, 0) AS foreign_usd,
               coalesce(cost_usd, 0) + coalesce(owner_usd, 0) AS usage_usd,
               list_filter($findings, lambda finding: list_contains(audited, finding)
                   OR finding = 'shared_by_tenants' AND tenants > 1) AS findings
        FROM told
    )
"""

_PAGED = (
    _AUDITED
    + """
    SELECT *, count(*) OVER () AS all_keys FROM audit
    WHERE len(findings) > 0 AND ($finding = '' OR list_contains(findings, $finding))
    ORDER BY action = 'revoke' DESC, list_position($findings, findings[1]),
             foreign_usd DESC, usage_usd DESC, key_id
    LIMIT $limit OFFSET $offset
"""
)

_COUNTED = (
    _AUDITED
    + """
    SELECT finding, count(*) AS keys, sum(usage_usd) AS usage_usd
    FROM (SELECT unnest(findings) AS finding, usage_usd FROM audit)
    GROUP BY finding
"""
)


@dataclass(frozen=True)
class KeyPage:
    """Some rows of the audit, and how many keys the whole of it holds."""

    rows: pd.DataFrame
    keys: int


def audit(dossier: Dossier, finding: str = "", page: int = 0) -> KeyPage:
    """Living keys with a finding, what to revoke first first, `PAGE` a page (from 0).

    First what a thief uses now, then by the most urgent finding, then by dollars.
    Columns key_id, account_id (the owner), action, typology, exposed_at, last_seen,
    users (accounts), tenants, tools, foreign_usd, usage_usd, findings (a list).
    """
    asked: dict[str, object] = {
        "findings": [*FINDINGS],
        "finding": finding,
        "limit": PAGE,
        "offset": PAGE * page,
    }
    rows = dossier.ask(_PAGED, asked)
    if rows.empty:
        return audit(dossier, finding) if page > 0 else KeyPage(rows, 0)
    return KeyPage(rows.drop(columns="all_keys"), int(rows["all_keys"].iloc[0]))


def counted(dossier: Dossier) -> dict[str, int]:
    """How many living keys have each finding, the most urgent first."""
    found = dossier.ask(_COUNTED, {"findings": [*FINDINGS]})
    keys = dict(zip(found["finding"], found["keys"], strict=True))
    return {name: int(keys.get(name, 0)) for name in FINDINGS}
