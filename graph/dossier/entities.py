"""One account, key, tenant or identifier: what it is and what it hangs on."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from graph.dossier import Dossier

_ABOUT: Mapping[str, str] = {
    "account": "SELECT * FROM accounts WHERE account_id = ?",
    "key": "SELECT * FROM keys WHERE key_id = ?",
    "tenant": "SELECT * FROM tenants WHERE tenant_id = ?",
}

_IDENTIFIER = "SELECT * FROM identifiers WHERE kind = ? AND identifier = ?"

_OF_ACCOUNT = """
    SELECT t.kind AS type, t.identifier AS id, t.masked AS label, t.class AS note,
           t.accounts AS shared_by, t.links, t.count AS times, t.first_seen,
           t.last_seen, t.cost_usd
    FROM ties_of_account t WHERE t.account_id = $id
    ORDER BY t.links DESC, t.accounts DESC, t.kind, t.identifier LIMIT $limit
"""

_OF_IDENTIFIER = """
    SELECT 'account' AS type, t.account_id AS id, t.account_id AS label,
           a.typology AS note, a.score, a.role, a.cluster_id, t.count AS times,
           t.first_seen, t.last_seen, t.cost_usd
    FROM ties_of_thing t JOIN accounts a USING (account_id)
    WHERE t.kind = $type AND t.identifier = $id
    ORDER BY a.score DESC, t.account_id LIMIT $limit
"""

# An ASN observation's identifier is the number itself.
_OF_KEY = """
    SELECT o.kind AS type, o.identifier AS id,
           coalesce(i.masked, o.identifier) AS label, i.class AS note,
           i.accounts AS shared_by, o.foreign_use, o.count AS times, o.first_seen,
           o.last_seen, o.cost_usd
    FROM key_observations o LEFT JOIN identifiers i USING (kind, identifier)
    WHERE o.key_id = $id
    UNION ALL BY NAME
    SELECT 'key' AS type, c.key_id AS id, c.key_id AS label, 'the same crew' AS note,
           c.first_seen, c.last_seen, c.cost_usd
    FROM keys k JOIN keys c ON c.crew_id = k.crew_id AND c.key_id <> k.key_id
    WHERE k.key_id = $id AND k.crew_id <> ''
    UNION ALL BY NAME
    SELECT 'account' AS type, account_id AS id, account_id AS label, 'owner' AS note,
           first_seen, last_seen
    FROM keys WHERE key_id = $id AND account_id IS NOT NULL
    ORDER BY foreign_use DESC NULLS LAST, cost_usd DESC NULLS LAST, type, id
    LIMIT $limit
"""

_OF_TENANT = """
    SELECT 'account' AS type, account_id AS id, account_id AS label, typology AS note,
           score, role, cluster_id, first_seen, last_seen, usage_usd AS cost_usd
    FROM accounts WHERE tenant_id = $id
    UNION ALL BY NAME
    SELECT 'key' AS type, key_id AS id, key_id AS label, typology AS note, score,
           first_seen, last_seen, cost_usd
    FROM keys WHERE tenant_id = $id
    ORDER BY score DESC, type, id LIMIT $limit
"""

_LINKS: Mapping[str, str] = {
    "account": _OF_ACCOUNT,
    "key": _OF_KEY,
    "tenant": _OF_TENANT,
}

_CLUSTERS = """
    SELECT c.cluster_id, c.typology, c.score, c.accounts, c.cost_usd,
           count(DISTINCT a.account_id) AS members_here
    FROM accounts a JOIN clusters c USING (cluster_id)
    WHERE a.account_id = $id AND $type = 'account'
       OR a.tenant_id = $id AND $type = 'tenant'
       OR a.account_id IN (
           SELECT account_id FROM ties_of_thing
           WHERE kind = $type AND identifier = $id)
    GROUP BY ALL ORDER BY members_here DESC, c.score DESC, c.cluster_id LIMIT 20
"""


def entity(dossier: Dossier, kind: str, name: str) -> Mapping[str, object] | None:
    """Every attribute the snapshot has of one thing; None when it knows it not."""
    if kind in _ABOUT:
        found = dossier.ask(_ABOUT[kind], [name])
    else:
        found = dossier.ask(_IDENTIFIER, [kind, name])
    if found.empty:
        return None
    row = found.iloc[0].dropna()
    return {str(column): value for column, value in row.items() if str(value)}


def links(dossier: Dossier, kind: str, name: str, limit: int = 1_000) -> pd.DataFrame:
    """What hangs together with one thing, the most telling first.

    Columns type, id, label, note, first_seen, last_seen, cost_usd and, by the type,
    shared_by, links, times, score, role, cluster_id, foreign_use.
    """
    asked: dict[str, object] = {"id": name, "limit": limit}
    if kind not in _LINKS:
        return dossier.ask(_OF_IDENTIFIER, asked | {"type": kind})
    return dossier.ask(_LINKS[kind], asked)


def clusters_of(dossier: Dossier, kind: str, name: str) -> pd.DataFrame:
    """Clusters that one thing belongs to or touches, with how many members do."""
    return dossier.ask(_CLUSTERS, {"type": kind, "id": name})
