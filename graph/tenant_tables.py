"""The verdict on every tenant: who drains its quota, if anyone."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from scipy.special import expit, logit

from graph.frameworks import controls_json
from graph.key_tables import reason_codes
from graph.reviews import override, told_by_people, verdict_of
from graph.typologies import tenant_drain
from graph.typologies.evidence import (
    Floats,
    base_rate_reason,
    gates,
    rank,
    reasons,
    weigh,
)

THROTTLE_ABOVE = 0.9
REVIEW_ABOVE = 0.5
CONTROL_GATE = 2.5
# With one family speaking, only one who took over most of a quota is named.
LEAST_TAKEOVER = 0.6
# Shares of a tenant this close are the same traffic under two names.
CARRIES_WITHIN = 0.12
# What the climb of an address must have over that of a member, key or end user.
ADDRESS = 1.5
_ORDER = {
    "guilty": False, "carries_it": False, "climb": False,
    "specificity": True, "score": False, "culprit": True,
}  # fmt: skip
# Of two candidates who carry the same traffic the more general name is told, unless
# its parent carries other traffic too.
_SPECIFICITY = {"account": 0, "key": 1, "end_user": 2, "ip": 3}


@dataclass(frozen=True)
class JudgedTenants:
    """The tenant frame with score, action, culprit, and the reasons behind."""

    frame: pd.DataFrame
    reasons: pd.DataFrame


def judge(
    tenants: pd.DataFrame,
    candidates: pd.DataFrame,
    base_rate: float,
    reviews: pd.DataFrame,
) -> JudgedTenants:
    """Name the likeliest culprit of each tenant; a person's word overrides."""
    evidence = tenant_drain.detect(candidates)
    first = weigh(evidence, len(candidates))
    takes_over = (
        (candidates["recent_share"] >= LEAST_TAKEOVER)
        & candidates["quota_pace"].notna()
    ).to_numpy()
    solid = (first.control >= CONTROL_GATE) & ((first.speaking >= 2) | takes_over)
    # An office's address changes by itself: it is named only with a machine behind it.
    address = (candidates["culprit_type"] == "ip").to_numpy()
    solid &= ~address | tenant_drain.is_machine(candidates)
    harm = first.families["harm"] > 0
    evidence += gates(solid, harm, nothing_taken="It took little of the quota.")
    weighed = weigh(evidence, len(candidates))
    probability = expit(weighed.total + float(logit(base_rate)))
    judged = candidates.assign(
        score=probability,
        guilty=solid & harm & (probability >= REVIEW_ABOVE),
        specificity=candidates["culprit_type"]
        .map(_SPECIFICITY)
        .where(candidates["end_users"] < tenant_drain.CROWD, -1),
        climb=_climb(candidates),
        row=np.arange(len(candidates)),
        speaking=first.speaking,
        harm=harm,
    )
    judged["carries_it"] = _carries_it(judged)
    best = judged.sort_values(
        ["tenant_id", *_ORDER],
        ascending=[True, *_ORDER.values()],
        kind="stable",
    ).drop_duplicates("tenant_id")
    told = reasons(
        weighed,
        "tenant",
        candidates["tenant_id"],
        np.isin(np.arange(len(candidates)), best.loc[best["harm"], "row"]),
    )
    prior = best.loc[best["harm"], ["tenant_id"]].rename(
        columns={"tenant_id": "subject_id"}
    )
    told = rank(pd.concat([told, base_rate_reason("tenant", prior, base_rate)]))
    word = verdict_of(reviews, "tenant", tenants["tenant_id"])
    frame = _overridden(_with_culprits(tenants, best), word)
    scored = frame[["tenant_id", "score"]].rename(columns={"tenant_id": "subject_id"})
    told = told_by_people(told, "tenant", scored, word)
    frame["reasons"] = reason_codes(frame["tenant_id"], told)
    return JudgedTenants(frame, told)


def _carries_it(judged: pd.DataFrame) -> pd.Series[bool]:
    """Whether a candidate carries as much of its tenant's climb as any other does.

    Whoever carries the whole climb is to blame, and of those that do whoever carries
    nothing else climbs most.
    """
    carried = judged["recent_share"] - judged["before_share"]
    blamed = carried.where(judged["guilty"], -1.0)
    most = blamed.groupby(judged["tenant_id"]).transform("max")
    return carried >= most - CARRIES_WITHIN


def _climb(candidates: pd.DataFrame) -> Floats:
    """How steeply each share rose; an address is named only where nobody else is
    to blame alone, for whoever drains a tenant comes from somewhere."""
    now = candidates["recent_share"].to_numpy() + 0.02
    before = candidates["before_share"].to_numpy() + 0.02
    address = (candidates["culprit_type"] == "ip").to_numpy()
    return np.asarray(np.round(np.log(now / before) - ADDRESS * address, 1))


def _with_culprits(tenants: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    found = best[
        ["tenant_id", "culprit_type", "culprit", "score", "guilty", "usd", "speaking"]
    ]
    frame = tenants.merge(found, on="tenant_id", how="left")
    guilty = frame["guilty"].fillna(False).astype(bool)
    frame["score"] = frame["score"].fillna(0.0).round(6)
    frame["typology"] = np.where(guilty, "tenant_drain", "")
    frame["action"] = np.where(
        guilty & (frame["score"] >= THROTTLE_ABOVE) & (frame["speaking"] >= 2),
        "throttle",
        np.where(guilty, "review", "none"),
    )
    frame["cost_usd"] = np.where(guilty, frame["usd"], 0.0)
    frame.loc[~guilty, ["culprit_type", "culprit"]] = ""
    return frame


def _overridden(frame: pd.DataFrame, word: pd.Series[str]) -> pd.DataFrame:
    good, bad = word == "legitimate", word == "abusive"
    for column in ("typology", "culprit_type", "culprit"):
        frame.loc[good, column] = ""
    frame.loc[good, "action"] = "none"
    frame.loc[good, "cost_usd"] = 0.0
    frame.loc[bad, "action"] = "throttle"
    frame.loc[bad, "typology"] = "tenant_drain"
    return override(frame, word)


_TENANTS = """
    CREATE OR REPLACE TEMP TABLE tenants AS
    SELECT tenant_id, score, action, culprit_type, culprit, cost_usd, reasons, typology,
           members, usage_usd, limit_usd, hours_to_exhaustion, first_seen, last_seen,
           frameworks
    FROM judged_tenants
"""


def write(connection: duckdb.DuckDBPyConnection, tenants: JudgedTenants) -> None:
    """Make the derived table `tenants`."""
    frame = tenants.frame.assign(
        frameworks=tenants.frame["typology"].map(controls_json)
    )
    connection.register("judged_tenants", frame)
    connection.execute(_TENANTS)
