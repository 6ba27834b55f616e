"""Testing the doubt: who comes loose from a cluster when some of its links are unsaid.

"What if this device is a library's?" Also which identifiers a person has cleared.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import networkx as nx
import pandas as pd

from graph import case_records
from graph.cases import Cases
from graph.dossier import Dossier

_LINKS = """
    SELECT 'account:' || account_id AS account, kind || ':' || identifier AS thing
    FROM ties_of_cluster WHERE cluster_id = $cluster AND links ORDER BY ALL
"""

_MEMBERS = """
    SELECT account_id, role, paid_usd > coalesce(disputed_usd, 0) AS paying, cost_usd
    FROM accounts WHERE cluster_id = $cluster ORDER BY account_id
"""

# Such a cluster must hang together by identifiers alone, or clearing them settles
# nothing: every core member shares one.
_CLEARED_AWAY = """
    WITH touched AS (
        SELECT DISTINCT cluster_id FROM ties_of_cluster
        WHERE identifier IN (SELECT identifier FROM cleared)
          AND kind || ':' || identifier IN (SELECT node FROM cleared)
    ), shared AS (
        SELECT cluster_id, kind || ':' || identifier AS node,
               list(account_id) FILTER (role = 'core') AS core
        FROM ties_of_cluster
        WHERE cluster_id IN (SELECT cluster_id FROM touched) AND links
        GROUP BY ALL HAVING count(*) > 1
    ), core AS (
        SELECT cluster_id, count(*) AS members FROM accounts
        WHERE role = 'core' GROUP BY cluster_id
    )
    SELECT s.cluster_id FROM shared s JOIN core c USING (cluster_id)
    GROUP BY s.cluster_id, c.members
    HAVING bool_and(s.node IN (SELECT node FROM cleared))
       AND len(list_distinct(flatten(list(coalesce(s.core, []))))) = c.members
    ORDER BY s.cluster_id
"""


def loose(
    dossier: Dossier, cluster_id: str, set_aside: Collection[str]
) -> pd.DataFrame:
    """Members that hang on the core by the identifiers `set_aside` alone.

    `set_aside` holds nodes (`kind:identifier`). Columns account_id, role, paying,
    cost_usd. Core members outside the largest part that is left count as loose too;
    whom other things than identifiers tie (habits, handoffs) never comes loose.
    """
    asked = {"cluster": cluster_id}
    members = dossier.ask(_MEMBERS, asked)
    links = dossier.ask(_LINKS, asked)
    named = "account:" + members["account_id"]
    core = set(named[members["role"] == "core"])
    before = _heart(links, core)
    after = _heart(links[~links["thing"].isin(set_aside)], core)
    return members[named.isin(before - after)].reset_index(drop=True)


def _heart(links: pd.DataFrame, core: set[str]) -> set[str]:
    """The connected part that holds most of the core, the first of equals."""
    web: nx.Graph[str] = nx.from_pandas_edgelist(links, "account", "thing")
    parts = sorted(nx.connected_components(web), key=min)
    return max(parts, key=lambda part: len(part & core), default=set())


def cleared(cases: Cases, at: datetime) -> pd.DataFrame:
    """Identifiers that a person has cleared and that still are at `at`.

    Columns node (`kind:identifier`), reason, by, expires_at (NaT: never).
    """
    with cases.reading() as connection:
        frame = case_records.approved(connection, at)
    frame = frame[
        (frame["subject_type"] == "identifier") & (frame["verdict"] == "clear")
    ]
    return pd.DataFrame(
        {
            "node": frame["subject_id"],
            "reason": frame["reason"],
            "by": frame["decided_by"],
            "expires_at": frame["expires_at"],
        }
    ).reset_index(drop=True)


def cleared_away(dossier: Dossier, cleared: pd.DataFrame) -> list[str]:
    """Clusters that nothing links any more but what people have cleared.

    A cluster that gains another link, or whose core holds together by other things
    than identifiers, is none of them.
    """
    if cleared.empty:
        return []
    named = cleared[["node"]].assign(
        identifier=cleared["node"].str.partition(":")[2].astype(str)
    )
    found = dossier.ask(_CLEARED_AWAY, cleared=named)
    return [str(name) for name in found["cluster_id"]]
