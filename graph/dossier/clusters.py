"""One cluster: what it is, who is in it, what they share, what speaks for them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from graph.dossier import Dossier, as_list

PAGE = 50

_CLUSTER = "SELECT * FROM clusters WHERE cluster_id = ?"

_MEMBERS = """
    SELECT account_id, role, score, action, typology, cost_usd,
           greatest(0, paid_usd - coalesce(disputed_usd, 0)) AS revenue_usd,
           paid_usd > coalesce(disputed_usd, 0) AS paying,
           date_diff('day', coalesce(created_at, first_seen), $as_of) AS tenure_days,
           plan, first_seen, last_seen, reasons, at_risk_usd_per_hour
    FROM accounts
    WHERE cluster_id = $cluster AND (len($roles) = 0 OR role IN (SELECT unnest($roles)))
      AND (NOT $narrowed OR account_id IN (SELECT unnest($only)))
    ORDER BY CASE role WHEN 'core' THEN 0 WHEN 'likely' THEN 1 ELSE 2 END,
             score DESC, account_id
"""

_MONEY = """
    SELECT coalesce(sum(cost_usd), 0) AS burned_usd,
           coalesce(sum(credit_usd), 0) AS credit_usd,
           coalesce(sum(paid_usd), 0) AS paid_usd,
           coalesce(sum(disputed_usd), 0) AS disputed_usd,
           coalesce(sum(at_risk_usd_per_hour), 0) AS at_risk_usd_per_hour,
           count(*) FILTER (role = 'core') AS core,
           count(*) FILTER (role = 'likely') AS likely,
           count(*) FILTER (role = 'bystander') AS bystander,
           count(*) FILTER (paid_usd > coalesce(disputed_usd, 0)) AS paying,
           count(*) FILTER (first_seen > $as_of - INTERVAL 1 DAY) AS new_today
    FROM accounts WHERE cluster_id = $cluster
"""

_SHARED = """
    WITH seen AS (
        SELECT kind, identifier, any_value(masked) AS masked,
               any_value(class) AS class, count(*) AS inside,
               any_value(accounts) - count(*) AS outside, any_value(links) AS links,
               any_value(weight) AS weight, any_value(country) AS country,
               any_value(asn) AS asn,
               min(first_seen) AS first_seen, max(last_seen) AS last_seen
        FROM ties_of_cluster
        WHERE cluster_id = $cluster AND kind NOT IN ('model', 'endpoint')
        GROUP BY kind, identifier HAVING count(*) > 1
    )
    SELECT * FROM seen
    ORDER BY links DESC, inside * greatest(weight, 0) DESC, inside DESC, kind,
             identifier
    LIMIT $limit
"""

# Sharing with another cluster what too many share says nothing: see the hub cap.
_RELATED = """
    WITH mine AS (
        SELECT DISTINCT kind, identifier FROM ties_of_cluster
        WHERE cluster_id = $cluster AND accounts BETWEEN 2 AND $hub
          AND kind IN ('email', 'phone', 'ip', 'device', 'card', 'key', 'tenant',
                       'prompt', 'referral')
    )
    SELECT o.cluster_id, c.typology, c.score, c.accounts, c.cost_usd,
           count(DISTINCT (o.kind, o.identifier)) AS in_common,
           string_agg(DISTINCT o.kind, ', ' ORDER BY o.kind) AS kinds
    FROM mine m JOIN ties_of_cluster o USING (kind, identifier)
    JOIN clusters c USING (cluster_id)
    WHERE o.cluster_id <> $cluster
    GROUP BY ALL ORDER BY in_common DESC, o.cluster_id LIMIT 20
"""

_REASONS = """
    SELECT rank, code, family, weight, sentence, evidence FROM reasons
    WHERE subject_type = ? AND subject_id = ? ORDER BY rank, code
"""

# A cluster has no verdict of its own beside its members': what most of them share
# speaks for it, weighed by its mean over those that it speaks about.
_GATHERED = """
    SELECT row_number() OVER (ORDER BY count(*) * avg(r.weight) DESC, r.code) AS rank,
           r.code, any_value(r.family) AS family, avg(r.weight) AS weight,
           count(*) || ' of ' || any_value(c.accounts) || ' members: '
               || arg_max(r.sentence, (r.weight, r.subject_id)) AS sentence,
           '{}' AS evidence
    FROM reasons r JOIN accounts a ON a.account_id = r.subject_id
    JOIN clusters c USING (cluster_id)
    WHERE r.subject_type = 'account' AND a.cluster_id = ? AND r.family <> 'benign'
      AND r.weight > 0
    GROUP BY r.code ORDER BY rank
"""

_HYPOTHESES = """
    SELECT hypothesis, weight, sentence FROM hypotheses WHERE cluster_id = ?
    ORDER BY weight DESC, hypothesis
"""

_COUNTRIES = """
    SELECT country, count(DISTINCT account_id) AS accounts,
           count(DISTINCT identifier) AS addresses, count(DISTINCT asn) AS networks
    FROM ties_of_cluster
    WHERE cluster_id = ? AND kind = 'ip' AND country IS NOT NULL
    GROUP BY country ORDER BY accounts DESC, country
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster as detection left it, with its members counted."""

    cluster_id: str
    typology: str
    score: float
    action: str
    accounts: int
    cost_usd: float
    first_seen: datetime
    last_seen: datetime
    expected_chargebacks_usd: float
    wrong_ban_usd: float
    summary: str
    frameworks: tuple[str, ...]
    money: dict[str, float]


def cluster(dossier: Dossier, cluster_id: str) -> Cluster | None:
    """The cluster, or None when this snapshot has none of that id."""
    found = dossier.ask(_CLUSTER, [cluster_id])
    if found.empty:
        return None
    row = found.iloc[0]
    asked = {"cluster": cluster_id, "as_of": dossier.snapshot.as_of}
    money = dossier.ask(_MONEY, asked).iloc[0]
    return Cluster(
        cluster_id=cluster_id,
        typology=str(row["typology"]),
        score=float(row["score"]),
        action=str(row["action"]),
        accounts=int(row["accounts"]),
        cost_usd=float(row["cost_usd"]),
        first_seen=row["first_seen"].to_pydatetime(),
        last_seen=row["last_seen"].to_pydatetime(),
        expected_chargebacks_usd=_number(row["expected_chargebacks_usd"]),
        wrong_ban_usd=_number(row["wrong_ban_usd"]),
        summary=str(row["summary"] or ""),
        frameworks=tuple(json.loads(row["frameworks"] or "[]")),
        money={str(name): float(value) for name, value in money.items()},
    )


def _number(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else float(value)


def members(
    dossier: Dossier,
    cluster_id: str,
    roles: Sequence[str] = (),
    only: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The members, core first; `only` narrows them to some accounts.

    `revenue_usd` is what they paid and did not dispute, `reasons` a JSON list.
    """
    asked = {
        "cluster": cluster_id,
        "roles": [*roles],
        "as_of": dossier.snapshot.as_of,
        "narrowed": only is not None,
        "only": as_list(only or []),
    }
    return dossier.ask(_MEMBERS, asked)


def shared_identifiers(
    dossier: Dossier, cluster_id: str, limit: int = 200
) -> pd.DataFrame:
    """What at least two members share, what links them first.

    `inside` members and `outside` accounts beside them share it; `weight` is the
    linker's score in nats.
    """
    return dossier.ask(_SHARED, {"cluster": cluster_id, "limit": limit})


def related(dossier: Dossier, cluster_id: str, hub: int = 50) -> pd.DataFrame:
    """Other clusters that share something which at most `hub` accounts have."""
    return dossier.ask(_RELATED, {"cluster": cluster_id, "hub": hub})


def reasons(dossier: Dossier, subject_type: str, subject_id: str) -> pd.DataFrame:
    """The ranked reasons of one verdict: code, family, weight, sentence, evidence.

    For a cluster without reasons of its own, what speaks against its members.
    """
    own = dossier.ask(_REASONS, [subject_type, subject_id])
    if own.empty and subject_type == "cluster":
        return dossier.ask(_GATHERED, [subject_id])
    return own


def hypotheses(dossier: Dossier, cluster_id: str) -> pd.DataFrame:
    """The innocent explanations weighed: hypothesis, weight (nats), sentence."""
    return dossier.ask(_HYPOTHESES, [cluster_id])


def countries(dossier: Dossier, cluster_id: str) -> pd.DataFrame:
    """Where the members' addresses are: country (ISO 3166 alpha-2) and counts."""
    return dossier.ask(_COUNTRIES, [cluster_id])
