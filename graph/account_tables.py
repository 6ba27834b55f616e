"""The verdicts on accounts and clusters as derived tables."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from graph.calibrate import recalibrated
from graph.communities import cluster_ids
from graph.frameworks import controls_json
from graph.key_tables import reason_codes
from graph.money import EARLY_WARNING_BECOMES_DISPUTE
from graph.reviews import override, told_by_people, verdict_of
from graph.scene import Scene
from graph.tenant_tables import JudgedTenants
from graph.typologies.evidence import Flags, Floats, base_rate_reason, rank, reasons
from graph.verdicts import Verdicts, choose_typology, roles

# Why a bystander is left alone is told as well, so whoever is in a cluster or scores
# above this has reasons.
TOLD_ABOVE = 0.2


@dataclass(frozen=True)
class Judgement:
    """What one run made of the accounts, before it is written down."""

    scene: Scene
    verdicts: list[Verdicts]
    hypotheses: pd.DataFrame
    tenants: JudgedTenants
    reviews: pd.DataFrame
    base_rate: float


@dataclass(frozen=True)
class JudgedAccounts:
    """One row an account, its ranked reasons, and what else may explain its cluster."""

    frame: pd.DataFrame
    reasons: pd.DataFrame
    hypotheses: pd.DataFrame


def judge(made: Judgement) -> JudgedAccounts:
    """What each account is called, by the detectors and then by people."""
    accounts, told = _accounts(made.scene, made.verdicts, made.reviews, made.base_rate)
    accounts, told = _with_culprits(accounts, told, made.tenants)
    accounts = _overridden(accounts, made.reviews)
    told = told_by_people(
        told,
        "account",
        accounts[["account_id", "score"]].rename(columns={"account_id": "subject_id"}),
        verdict_of(made.reviews, "account", accounts["account_id"]),
    )
    accounts["frameworks"] = accounts["typology"].map(controls_json)
    accounts["reasons"] = reason_codes(accounts["account_id"], told)
    names = accounts["cluster_id"].groupby(made.scene.cluster).first()
    named = made.hypotheses.assign(cluster_id=made.hypotheses["cluster"].map(names))
    return JudgedAccounts(accounts, told, named)


def write(connection: duckdb.DuckDBPyConnection, judged: JudgedAccounts) -> None:
    """Make `accounts`, `clusters`, `reasons` and `hypotheses`.

    Needs the table that `write_identifiers` makes.
    """
    connection.register("judged_accounts", judged.frame)
    connection.execute("CREATE OR REPLACE TEMP TABLE accounts AS FROM judged_accounts")
    connection.register("told_reasons", judged.reasons)
    connection.execute(_REASONS)
    connection.register("told_hypotheses", judged.hypotheses)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE hypotheses AS FROM told_hypotheses"
    )
    _clusters(connection)


def _accounts(
    scene: Scene, verdicts: list[Verdicts], reviews: pd.DataFrame, base_rate: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    profiles = scene.profiles
    chosen = choose_typology(verdicts, profiles)

    def pick(arrays: list[Floats]) -> Floats:
        return np.asarray(np.choose(chosen, arrays))

    ban = pick([v.ban.astype(float) for v in verdicts]) > 0
    review = pick([v.review.astype(float) for v in verdicts]) > 0
    role = roles(scene, verdicts)
    names = np.array([v.typology for v in verdicts])
    typology = np.where(ban | review, names[chosen], "")
    # What a stolen card paid for is unpaid, whether its dispute has come or not.
    stolen = scene.hasty & (typology == "stolen_payment")
    cost = np.where(stolen, profiles["usage_usd"], profiles["unpaid_usd"])
    frame = profiles.assign(
        cluster_id=cluster_ids(scene.cluster, profiles, role == "core"),
        score=pick([v.probability for v in verdicts]).round(6),
        action=np.where(ban, "ban", np.where(review, "review", "none")),
        typology=typology,
        role=role,
        cost_usd=cost.round(6),
        control=pick([v.weighed.control for v in verdicts]).round(6),
        harm=pick([v.weighed.families["harm"] for v in verdicts]).round(6),
        benign=pick([v.weighed.families["benign"] for v in verdicts]).round(6),
        paid_usd=profiles["honest_usd"],
        tokens=profiles["input_tokens"] + profiles["output_tokens"],
        at_risk_usd_per_hour=_burning(profiles, ban | review),
    )
    word = verdict_of(reviews, "account", frame["account_id"])
    frame["score"] = recalibrated(frame["score"].to_numpy(), word).round(6)
    worth = (frame["score"] >= TOLD_ABOVE).to_numpy() | scene.clustered
    told = _reasons(verdicts, chosen, frame["account_id"], worth, base_rate)
    return frame, told


def _with_culprits(
    frame: pd.DataFrame, told: pd.DataFrame, tenants: JudgedTenants
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The member who drains his tenant goes to review, for the tenant's reasons."""
    named = tenants.frame[
        (tenants.frame["culprit_type"] == "account")
        & (tenants.frame["action"] != "none")
    ].set_index("culprit")
    culprit = frame["account_id"].isin(named.index) & (frame["action"] == "none")
    ids = frame.loc[culprit, "account_id"]
    if ids.empty:
        return frame, told
    frame.loc[culprit, "typology"] = "tenant_drain"
    frame.loc[culprit, "action"] = "review"
    frame.loc[culprit, "score"] = ids.map(named["score"])
    tenant_of = ids.map(named["tenant_id"])
    borrowed = tenants.reasons.merge(
        pd.DataFrame({"subject_id": tenant_of, "account_id": ids}), on="subject_id"
    )
    borrowed = borrowed.assign(
        subject_type="account", subject_id=borrowed["account_id"]
    )
    kept = told[~told["subject_id"].isin(ids)]
    return frame, pd.concat(
        [kept, borrowed.drop(columns="account_id")], ignore_index=True
    )


def _burning(profiles: pd.DataFrame, acted_on: Flags) -> pd.Series[float]:
    """Dollars an hour of the accounts still at it, from their own pace so far."""
    hours = (profiles["last_use"] - profiles["first_use"]).dt.total_seconds() / 3600
    pace: pd.Series[float] = profiles["unpaid_usd"] / hours.fillna(1.0).clip(lower=1.0)
    going = acted_on & (profiles["silent_hours"] < 24).to_numpy()
    return pace.where(going, 0.0).fillna(0.0).round(6)


def _overridden(frame: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """A person's word stands above the machine's."""
    word = verdict_of(reviews, "account", frame["account_id"])
    good, bad = word == "legitimate", word == "abusive"
    frame.loc[good, "typology"] = ""
    frame.loc[good, "action"] = "none"
    unnamed = bad & (frame["typology"] == "")
    frame.loc[unnamed, "typology"] = "disposable_signup"
    frame.loc[bad, "action"] = "ban"
    return override(frame, word)


def _reasons(
    verdicts: list[Verdicts],
    chosen: np.ndarray[tuple[int], np.dtype[np.int64]],
    ids: pd.Series[str],
    worth: Flags,
    base_rate: float,
) -> pd.DataFrame:
    parts = [
        reasons(verdict.weighed, "account", ids, worth & (chosen == number))
        for number, verdict in enumerate(verdicts)
    ]
    subjects = pd.DataFrame({"subject_id": ids[worth].to_numpy()})
    prior = base_rate_reason("account", subjects, base_rate)
    return rank(pd.concat([*parts, prior], ignore_index=True))


# Typed one by one: a run that has nothing to tell of accounts may have of keys.
_REASONS = """
    CREATE OR REPLACE TEMP TABLE reasons AS
    SELECT subject_type::VARCHAR AS subject_type, subject_id::VARCHAR AS subject_id,
           rank::INTEGER AS rank, code::VARCHAR AS code, family::VARCHAR AS family,
           weight::DOUBLE AS weight, sentence::VARCHAR AS sentence,
           evidence::VARCHAR AS evidence
    FROM told_reasons
"""

# Grouped first and described afterwards: there are far fewer values than sightings.
_IDENTIFIERS = """
    CREATE OR REPLACE TEMP TABLE judged_identifiers AS
    WITH shown AS (
        SELECT kind, identifier, count(*) AS accounts, min(first_seen) AS first_seen,
               max(last_seen) AS last_seen
        FROM observations GROUP BY kind, identifier
    )
    SELECT o.kind, o.identifier, i.masked, i.class, i.domain, i.asn, i.country,
           o.accounts, o.first_seen, o.last_seen, s.score,
           coalesce(s.links, FALSE) AS links
    FROM shown o
    LEFT JOIN identifiers i ON i.kind = o.kind AND i.identifier = o.identifier
    LEFT JOIN scored_identifiers s ON s.kind = o.kind AND s.identifier = o.identifier
"""


def write_identifiers(connection: duckdb.DuckDBPyConnection, scene: Scene) -> None:
    """Make `judged_identifiers`, the derived table `identifiers`."""
    scored = scene.edges.identifiers.assign(score=np.round(scene.score, 6))
    linking = np.unique(scene.edges.identifier[scene.linking])
    scored["links"] = np.isin(np.arange(len(scored)), linking)
    connection.register("scored_identifiers", scored)
    connection.execute(_IDENTIFIERS)


_SHARED = """
    CREATE OR REPLACE TEMP TABLE cluster_evidence AS
    WITH shared AS (
        SELECT a.cluster_id, o.kind, o.identifier,
               count(DISTINCT o.account_id) AS inside
        FROM observations o JOIN accounts a USING (account_id)
        WHERE a.cluster_id <> ''
          AND o.kind IN ('device', 'card', 'phone', 'email', 'ip', 'referral')
        GROUP BY a.cluster_id, o.kind, o.identifier HAVING inside >= 2
    ), ranked AS (
        SELECT s.*, coalesce(i.masked, left(s.identifier, 8) || '…') AS masked,
               row_number() OVER (PARTITION BY cluster_id
                   ORDER BY coalesce(i.links, FALSE) DESC, inside DESC, s.kind,
                            s.identifier) AS place
        FROM shared s JOIN judged_identifiers i USING (kind, identifier)
    )
    SELECT cluster_id,
           to_json(list({'type': kind, 'value': masked, 'accounts': inside}
                        ORDER BY place)) AS evidence
    FROM ranked WHERE place <= 10 GROUP BY cluster_id
"""

_CLUSTERS = """
    CREATE OR REPLACE TEMP TABLE clusters AS
    WITH typed AS (
        SELECT cluster_id, typology, count(*) AS votes FROM accounts
        WHERE cluster_id <> '' AND typology <> '' GROUP BY cluster_id, typology
    ), foremost AS (
        SELECT cluster_id, arg_max(typology, (votes, typology)) AS typology
        FROM typed GROUP BY cluster_id
    )
    SELECT a.cluster_id, coalesce(min(l.typology), '') AS typology,
           coalesce(round(avg(a.score) FILTER (a.action <> 'none'), 6),
                    round(avg(a.score), 6)) AS score,
           count(*) AS accounts,
           round(sum(a.cost_usd::DECIMAL(18, 6)), 6)::DOUBLE AS cost_usd,
           min(a.first_seen) AS first_seen, max(a.last_seen) AS last_seen,
           coalesce(min(e.evidence), '[]') AS evidence,
           coalesce(min(f.frameworks), '[]') AS frameworks,
           CASE WHEN bool_or(a.action = 'ban') THEN 'ban'
                WHEN bool_or(a.action = 'review') THEN 'review' ELSE 'none' END
               AS action,
           count(*) FILTER (a.paid_usd > 0) AS paying_members,
           count(*) FILTER (a.role = 'core') AS core_members,
           sum(a.at_risk_usd_per_hour::DECIMAL(18, 6))::DOUBLE AS at_risk_usd_per_hour,
           sum(a.expected_chargebacks_usd::DECIMAL(18, 6))::DOUBLE
               AS expected_chargebacks_usd,
           sum(a.paid_usd::DECIMAL(18, 6))::DOUBLE AS wrong_ban_usd,
           format('{} accounts, {} of them core, consumed ${:.2f} without paying; {} '
                  'pay. {}', count(*), count(*) FILTER (a.role = 'core'),
                  sum(a.cost_usd::DECIMAL(18, 6))::DOUBLE,
                  count(*) FILTER (a.paid_usd > 0),
                  coalesce('Mostly ' || replace(min(l.typology), '_', ' ') || '.',
                           'Nothing abusive was found.')) AS summary
    FROM accounts a
    LEFT JOIN foremost l USING (cluster_id)
    LEFT JOIN cluster_evidence e USING (cluster_id)
    LEFT JOIN frameworks_of f ON f.typology = l.typology
    WHERE a.cluster_id <> ''
    GROUP BY a.cluster_id
"""


def _clusters(connection: duckdb.DuckDBPyConnection) -> None:
    names = ["disposable_signup", "stolen_payment"]
    table = pd.DataFrame(
        {"typology": names, "frameworks": [controls_json(name) for name in names]}
    )
    connection.register("frameworks_of", table)
    connection.execute(
        "ALTER TABLE accounts ADD COLUMN expected_chargebacks_usd DOUBLE"
    )
    connection.execute(
        "UPDATE accounts SET expected_chargebacks_usd = CASE "
        "WHEN chargeback THEN disputed_usd WHEN warning THEN disputed_usd * ? "
        "ELSE 0 END",
        [EARLY_WARNING_BECOMES_DISPUTE],
    )
    connection.execute(_SHARED)
    connection.execute(_CLUSTERS)
