"""The verdict on every key, and the derived tables that tell it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from graph.communities import components
from graph.frameworks import controls_json
from graph.reviews import override, told_by_people, verdict_of
from graph.seen import frame
from graph.typologies import cloud_key_exposure, key_replay
from graph.typologies.evidence import (
    Flags,
    Floats,
    Weighed,
    base_rate_reason,
    gates,
    rank,
    reasons,
    weigh,
)
from ingest.sql import fill, literal

REVOKE_ABOVE = 0.9
REVIEW_ABOVE = 0.5
CONTROL_GATE = 2.0


@dataclass(frozen=True)
class JudgedKeys:
    """The key frame with `score`, `typology`, `action`, and the reasons behind."""

    frame: pd.DataFrame
    reasons: pd.DataFrame

    def replayed(self) -> pd.DataFrame:
        """Column key_id of the keys whose foreign traffic is a thief's."""
        stolen = self.frame["typology"] != ""
        return self.frame.loc[stolen, ["key_id"]].astype("string")


def judge(keys: pd.DataFrame, base_rate: float, reviews: pd.DataFrame) -> JudgedKeys:
    """Decide on each key of `graph.key_frame.key_frame`; a person's word overrides.

    A leak that nobody proved may bring a key to review and never revokes it.
    """
    weighed, passed = _weigh(keys)
    probability = _probability(weighed, base_rate)
    guilty = passed & (probability >= REVIEW_ABOVE)
    proven = keys["exposed_at"].where(keys["verified"].astype(bool))
    surely, still = _weigh(keys.assign(exposed_at=proven))
    sure = guilty & still & (_probability(surely, base_rate) >= REVOKE_ABOVE)
    # Why a key is left alone is told as well, where strangers or a leak raise doubt.
    doubted = (keys["foreign_requests"] > 0) | keys["exposed_at"].notna()
    frame = keys.assign(
        score=probability.round(6), innocent_story=_innocent_story(weighed)
    )
    frame["typology"] = _typology(keys, guilty)
    alive = keys["revoked_at"].isna().to_numpy()
    frame["action"] = np.where(
        sure & alive, "revoke", np.where(guilty, "review", "none")
    )
    told = _reasons(weighed, frame, doubted.to_numpy(), base_rate)
    word = verdict_of(reviews, "key", frame["key_id"])
    frame = _overridden(frame, word)
    scored = frame[["key_id", "score"]].rename(columns={"key_id": "subject_id"})
    return JudgedKeys(frame, told_by_people(told, "key", scored, word))


def _weigh(keys: pd.DataFrame) -> tuple[Weighed, Flags]:
    """The evidence on each key, and whether it passes both gates."""
    evidence = [*key_replay.detect(keys), *cloud_key_exposure.detect(keys)]
    first = weigh(evidence, len(keys))
    control = (first.control >= CONTROL_GATE) & (first.speaking >= 1)
    harm = first.families["harm"] > 0
    evidence += gates(control, harm, nothing_taken="No stranger consumed much on it.")
    return weigh(evidence, len(keys)), control & harm


def _probability(weighed: Weighed, base_rate: float) -> Floats:
    return np.asarray(expit(weighed.total + float(logit(base_rate))))


# The innocent stories of a key that are shown for its owner's cluster too.
STORIES = {
    "owner_moved": "migration",
    "many_hands": "build runners",
    "scheduled_test": "build runners",
}


def _innocent_story(weighed: Weighed) -> npt.NDArray[np.str_]:
    """Which of `STORIES` explains each key's foreign traffic; empty for none."""
    story = np.full(weighed.total.size, "", dtype="<U16")
    for item in weighed.evidence:
        if item.code in STORIES:
            story = np.where(item.weight < 0, STORIES[item.code], story)
    return story


def _typology(keys: pd.DataFrame, guilty: Flags) -> pd.Series[str]:
    exposed = (keys["exposed_at"] <= keys["foreign_first"]).to_numpy(dtype=bool)
    name = np.where(exposed, "cloud_key_exposure", "key_replay")
    return pd.Series(np.where(guilty, name, ""), index=keys.index, dtype=object)


def _overridden(frame: pd.DataFrame, word: pd.Series[str]) -> pd.DataFrame:
    bad, good = word == "abusive", word == "legitimate"
    frame.loc[good, "typology"] = ""
    frame.loc[good, "action"] = "none"
    frame.loc[bad, "action"] = np.where(
        frame.loc[bad, "revoked_at"].isna(), "revoke", "review"
    )
    unnamed = bad & (frame["typology"] == "")
    frame.loc[unnamed, "typology"] = "key_replay"
    return override(frame, word)


def _reasons(
    weighed: Weighed, frame: pd.DataFrame, chosen: Flags, base_rate: float
) -> pd.DataFrame:
    told = reasons(weighed, "key", frame["key_id"], chosen)
    subjects = pd.DataFrame({"subject_id": frame.loc[chosen, "key_id"]})
    return rank(pd.concat([told, base_rate_reason("key", subjects, base_rate)]))


_KEY_OBSERVATIONS = """
    CREATE OR REPLACE TEMP TABLE key_observations (
        key_id VARCHAR, kind VARCHAR, identifier VARCHAR, first_seen TIMESTAMP,
        last_seen TIMESTAMP, count BIGINT, tokens BIGINT, cost_usd DOUBLE,
        foreign_use BOOLEAN)
"""
_FACETS = ("ip", "ja4", "client", "model", "prompt")
_OF_FACET = """
    INSERT INTO key_observations
    WITH foreign_ips AS (SELECT DISTINCT key_id, ip FROM foreign_sources), used AS (
        SELECT key_id, $facet AS value, min(first_seen) AS first_seen,
               max(last_seen) AS last_seen, sum(requests) AS count,
               sum(tokens) AS tokens, sum(cost_usd)::DOUBLE AS cost_usd
        FROM key_sources WHERE $facet IS NOT NULL GROUP BY key_id, $facet
    )
    SELECT u.key_id, $kind, u.value, u.first_seen, u.last_seen, u.count, u.tokens,
           u.cost_usd, x.key_id IS NOT NULL
    FROM used u LEFT JOIN foreign_ips x
           ON $kind = 'ip' AND x.key_id = u.key_id AND x.ip = u.value
"""

_KEYS = """
    CREATE OR REPLACE TEMP TABLE keys AS
    SELECT key_id, account_id, typology, score, action, exposed_at,
           CASE WHEN typology <> '' THEN foreign_first END AS first_abuse_at,
           CASE WHEN typology <> '' AND exposed_at <= foreign_first
                THEN epoch(foreign_first - exposed_at) END AS latency_seconds,
           CASE WHEN typology <> '' THEN foreign_usd ELSE 0 END AS cost_usd,
           reasons, tenant_id, created_at, revoked_at, first_seen, last_seen, requests,
           usage_usd - CASE WHEN typology <> '' THEN foreign_usd ELSE 0 END
               AS owner_usd,
           crew_id, audit, frameworks
    FROM judged_keys
"""


def write(connection: duckdb.DuckDBPyConnection, keys: JudgedKeys) -> None:
    """Make the derived tables `keys` and `key_observations`."""
    frame = keys.frame.assign(
        reasons=reason_codes(keys.frame["key_id"], keys.reasons),
        audit=_audit(keys.frame),
        crew_id=_crews(connection, keys.frame),
        frameworks=keys.frame["typology"].map(controls_json),
    )
    connection.register("judged_keys", frame)
    connection.execute(_KEY_OBSERVATIONS)
    for facet in _FACETS:
        connection.execute(fill(_OF_FACET, facet=facet, kind=literal(facet)))
    connection.execute(_KEYS)


def _crews(connection: duckdb.DuckDBPyConnection, keys: pd.DataFrame) -> pd.Series[str]:
    """Replayed keys that a mark of the same strangers joins, named by their first."""
    stolen = keys.loc[keys["typology"] != "", ["key_id"]]
    marks = frame(connection, "SELECT DISTINCT key_id, mark FROM crew_marks")
    marks = marks.merge(stolen, on="key_id").sort_values(["key_id", "mark"])
    key, names = pd.factorize(marks["key_id"])
    mark, values = pd.factorize(marks["mark"])
    size = len(names) + len(values)
    label = components(key, mark + len(names), size)
    crews = pd.DataFrame({"key_id": names, "label": label[: len(names)]})
    crews["first"] = crews.groupby("label")["key_id"].transform("min")
    crews = crews[crews.groupby("label")["key_id"].transform("size") >= 2]
    found = crews.set_index("key_id")["first"].astype(object)
    return keys["key_id"].map(found).astype(object).fillna("").astype(str)


def reason_codes(ids: pd.Series[str], told: pd.DataFrame) -> pd.Series[str]:
    """The JSON list of each subject's reason codes, heaviest first."""
    spoken = told[~told["code"].isin(["base_rate"])] if len(told) else told
    lists = spoken.groupby("subject_id")["code"].agg(lambda codes: json.dumps([*codes]))
    return ids.map(lists).astype(object).fillna("[]").astype(str)


def _audit(keys: pd.DataFrame) -> pd.Series[str]:
    """Findings of least privilege, the most urgent first, as a JSON list."""
    alive = keys["revoked_at"].isna()
    exposed = alive & keys["exposed_at"].notna()
    unused = alive & (keys["requests"] == 0)
    many_tools = alive & (keys["clients"] >= 4)
    eternal = alive & keys["expires_at"].isna() & ~keys["rotated"].astype(bool)
    findings = {
        "exposed_and_alive": exposed,
        "shared_by_tenants": alive & keys["several_tenants"],
        "shared_by_many_tools": many_tools,
        "unused": unused,
        "never_rotated_nor_expiring": eternal,
    }
    rows = [*zip(*(flags.tolist() for flags in findings.values()), strict=True)]
    told = {
        row: json.dumps(
            [name for name, holds in zip(findings, row, strict=True) if holds]
        )
        for row in set(rows)
    }
    return pd.Series([told[row] for row in rows], index=keys.index, dtype=object)
