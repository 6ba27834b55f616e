"""One paragraph on a cluster for whoever has ten seconds: who, when, tied by what."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from graph.dossier import Dossier
from graph.dossier.clusters import Cluster, hypotheses, reasons

_MOST_KINDS = 3

_SIGN_UPS = """
    SELECT min(coalesce(created_at, first_seen)) AS first,
           max(coalesce(created_at, first_seen)) AS last,
           count(*) AS members
    FROM accounts WHERE cluster_id = ?
"""

_TIED = """
    SELECT count(DISTINCT account_id) AS members FROM ties_of_cluster
    WHERE cluster_id = ? AND links
"""

_TIED_BY = """
    WITH shared AS (
        SELECT kind, identifier, count(*) AS inside FROM ties_of_cluster
        WHERE cluster_id = ? AND links GROUP BY ALL HAVING count(*) > 1
    )
    SELECT kind, count(*) AS things FROM shared
    GROUP BY kind ORDER BY sum(inside) DESC, kind
"""


def story(dossier: Dossier, cluster: Cluster, nouns: Mapping[str, str]) -> str:
    """What a cluster is, in plain sentences; `nouns` names each kind of identifier."""
    parts = [
        cluster.summary,
        _sign_ups(dossier.ask(_SIGN_UPS, [cluster.cluster_id]).iloc[0]),
        _ties(dossier, cluster, nouns),
        _most_telling(reasons(dossier, "cluster", cluster.cluster_id)),
        _in_favour(hypotheses(dossier, cluster.cluster_id)),
    ]
    return " ".join(part for part in parts if part)


def _sign_ups(when: pd.Series) -> str:
    first, last = when["first"], when["last"]
    if pd.isna(first) or when["members"] < 2:
        return ""
    if last - first < pd.Timedelta(days=2):
        hours = max(1, round((last - first).total_seconds() / 3600))
        return f"They came within {hours} h on {first:%Y-%m-%d}."
    return f"They came between {first:%Y-%m-%d} and {last:%Y-%m-%d}."


def _ties(dossier: Dossier, cluster: Cluster, nouns: Mapping[str, str]) -> str:
    """What links members, in numbers of things, what ties most of them first."""
    shared = dossier.ask(_TIED_BY, [cluster.cluster_id])
    if shared.empty:
        return "No identifier links them: how they behave does."
    words = [
        f"{row.things:,} {_noun(nouns, str(row.kind), many=str(row.things) != '1')}"
        for row in shared.head(_MOST_KINDS).itertuples()
    ]
    tied = int(dossier.ask(_TIED, [cluster.cluster_id])["members"].iloc[0])
    if tied < cluster.accounts:
        return (
            f"What links {tied:,} of them: {', '.join(words)}; "
            "how they behave links the rest."
        )
    return f"What links them: {', '.join(words)}."


def _noun(nouns: Mapping[str, str], kind: str, *, many: bool) -> str:
    noun = nouns.get(kind, kind)
    return noun if not many else noun + ("es" if noun.endswith("s") else "s")


def _most_telling(told: pd.DataFrame) -> str:
    return "" if told.empty else f"Most telling: {told['sentence'].iloc[0]}"


def _in_favour(found: pd.DataFrame) -> str:
    return "" if found.empty else f"In their favour: {found['sentence'].iloc[0]}"
