"""The innocent explanations of a cluster, weighed beside the abusive one and shown.

Each predicts something a farm does not show: many devices behind one network, one
employer behind one fingerprint, people who come back. Weights are nats against abuse
for every member; the strongest counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graph.communities import NO_CLUSTER
from graph.link import usual_span
from graph.scene import Scene
from graph.typologies.evidence import Evidence

Series = pd.Series


@dataclass(frozen=True)
class Hypothesis:
    """One innocent story: its name, what to tell, and how strongly clusters fit it.

    `fit` takes the cluster table of `describe_clusters` and gives nats, zero or more.
    """

    name: str
    sentence: str
    fit: Callable[[pd.DataFrame], npt.NDArray[np.float64]]


def _when(condition: Series[bool], nats: float) -> npt.NDArray[np.float64]:
    return np.where(condition.to_numpy(dtype=bool), nats, 0.0)


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis(
        "campus",
        "Most members have a university address and a device of their own.",
        lambda c: _when(
            (c["university_share"] >= 0.6) & (c["device_diversity"] >= 0.6), 2.5
        ),
    ),
    Hypothesis(
        "household",
        "At most six people who share a device or a card.",
        lambda c: _when((c["members"] <= 6) & (c["closed_share"] < 0.5), 2.0),
    ),
    Hypothesis(
        "corporate tenant",
        "One employer's tenant or mail domain: shared images and one card are usual.",
        lambda c: _when(
            (c["tenant_share"] >= 0.7)
            | ((c["own_share"] >= 0.8) & (c["harmed_share"] < 0.6)),
            3.0,
        ),
    ),
    Hypothesis(
        "agency",
        "Most members pay: an agency or reseller with many client accounts.",
        lambda c: _when(c["paying_share"] >= 0.5, 3.0),
    ),
    Hypothesis(
        "hackathon",
        "One invitation, one venue, many devices and many kinds of mail address.",
        lambda c: _when(
            (c["invite_share"] >= 0.6)
            & (c["device_diversity"] >= 0.7)
            & (c["host_diversity"] >= 0.2),
            2.5,
        ),
    ),
    Hypothesis(
        "shared device",
        "A public machine: people of many kinds over months, few of whom drained "
        "their trial.",
        lambda c: _when(
            (c["members"] >= 7) & (c["harmed_share"] < 0.6) & (c["spread_days"] >= 14),
            3.0,
        ),
    ),
    Hypothesis(
        "popular fingerprint",
        "A device model many people own: its accounts drain no more often than others.",
        lambda c: _when(
            (c["members"] >= 20) & (c["harmed_share"] < c["usual_harm"] + 0.2), 3.0
        ),
    ),
    Hypothesis(
        "different people",
        "Their devices, clients and mail names are as varied as those of strangers.",
        lambda c: _when(
            (c["members"] >= 4)
            & (c["device_variety"] >= 0.75)
            & (c["client_variety"] >= 0.75)
            & (c["name_variety"] >= 0.75),
            3.0,
        ),
    ),
    Hypothesis(
        "launch spike",
        "They came in a rush in which everybody came, with devices and names of their "
        "own.",
        lambda c: _when(
            (c["rush"] >= 3.0)
            & (c["share_of_rush"] <= 0.2)
            & (c["device_variety"] >= 0.6)
            & (c["name_variety"] >= 0.6),
            2.0,
        ),
    ),
    Hypothesis(
        "build runners",
        "Paying members whose keys were always used from many changing machines: "
        "build runners or a load test.",
        lambda c: _when((c["runners"] >= 0.5) & (c["paying_share"] >= 0.3), 1.5),
    ),
    Hypothesis(
        "migration",
        "Paying members whose traffic moved to new machines while the old fell silent.",
        lambda c: _when((c["migrated"] >= 0.5) & (c["paying_share"] >= 0.3), 1.5),
    ),
    Hypothesis(
        "returning people",
        "Members come back on many days.",
        lambda c: _when(c["active_days"] >= 7, 1.5),
    ),
)


def describe_clusters(scene: Scene, keys: pd.DataFrame) -> pd.DataFrame:
    """One row a cluster number: size, shares (0 to 1), diversity, spread in days.

    `keys` has columns account_id and innocent_story (see `graph.key_tables`).
    """
    profiles = scene.profiles
    frame = pd.DataFrame(
        {
            "cluster": scene.cluster,
            "harmed": scene.harmed,
            "paying": profiles["honest_usd"] > 0,
            "closed": profiles["closed_at"].notna(),
            "university": profiles["email_class"] == "university",
            "own": profiles["email_class"] == "own",
            "created": profiles["created_at"].fillna(profiles["first_seen"]),
            "device": profiles["sign_up_device"],
            "host": profiles["email_domain"],
            "client": profiles["sign_up_agent"],
            "name": profiles["email_template"],
            "tenant": profiles["tenant_id"].where(profiles["tenant_pays"]),
            "invite": profiles["invited_by"].fillna(profiles["referral_code"]),
            "active_days": profiles["active_days"],
            "runners": _owns(profiles, keys, "build runners"),
            "migrated": _owns(profiles, keys, "migration"),
        }
    )
    groups = frame[frame["cluster"] != NO_CLUSTER].groupby("cluster", sort=True)
    table = groups.agg(
        members=("harmed", "size"),
        harmed=("harmed", "sum"),
        harmed_share=("harmed", "mean"),
        paying=("paying", "sum"),
        paying_share=("paying", "mean"),
        closed_share=("closed", "mean"),
        university_share=("university", "mean"),
        own_share=("own", "mean"),
        devices=("device", "nunique"),
        hosts=("host", "nunique"),
        first=("created", "min"),
        last=("created", "max"),
        active_days=("active_days", "median"),
        runners=("runners", "mean"),
        migrated=("migrated", "mean"),
    )
    table["device_diversity"] = table["devices"] / table["members"]
    table["host_diversity"] = table["hosts"] / table["members"]
    table["spread_days"] = (table["last"] - table["first"]).dt.total_seconds() / 86400
    table["rush"], table["share_of_rush"] = _rush(frame, table)
    table["tenant_share"] = _largest_share(frame, "tenant", table["members"])
    table["invite_share"] = _largest_share(frame, "invite", table["members"])
    own_host = _largest_share(frame, "host", table["members"])
    table["own_share"] = np.minimum(table["own_share"], own_host)
    table["usual_harm"] = scene.usual_harm
    for column in ("device", "client", "name"):
        table[f"{column}_variety"] = _variety(frame, column)
    return table


def weigh_hypotheses(clusters: pd.DataFrame) -> pd.DataFrame:
    """Every hypothesis that fits a cluster: cluster, hypothesis, weight, sentence."""
    parts = []
    for hypothesis in HYPOTHESES:
        weight = hypothesis.fit(clusters)
        fits = weight > 0
        parts.append(
            pd.DataFrame(
                {
                    "cluster": clusters.index.to_numpy()[fits],
                    "hypothesis": hypothesis.name,
                    "weight": weight[fits],
                    "sentence": hypothesis.sentence,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def as_evidence(scene: Scene, hypotheses: pd.DataFrame) -> list[Evidence]:
    """Each hypothesis as evidence against, for the members of the clusters it fits."""
    found = []
    for hypothesis in HYPOTHESES:
        rows = hypotheses[hypotheses["hypothesis"] == hypothesis.name]
        weights = rows.set_index("cluster")["weight"]
        nats = pd.Series(scene.cluster).map(weights).fillna(0.0).to_numpy()
        code = "looks_like_" + hypothesis.name.replace(" ", "_")
        found.append(Evidence(code, "benign", -nats, hypothesis.sentence))
    alone = scene.harmed & ~scene.clustered & ~scene.billing
    found.append(
        Evidence(
            "stands_alone",
            "benign",
            np.where(alone, -2.0, 0.0),
            "Nothing ties it to another account.",
        )
    )
    return found


def _owns(profiles: pd.DataFrame, keys: pd.DataFrame, story: str) -> Series[bool]:
    owners = keys.loc[keys["innocent_story"] == story, "account_id"]
    return profiles["account_id"].isin(owners)


def _rush(
    frame: pd.DataFrame, table: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How much denser than usual all sign-ups came while a cluster's did, and the
    cluster's share of them (the conditional burst of detection formula F1)."""
    everyone = np.sort(_seconds(frame["created"]))
    first, last = _seconds(table["first"]), _seconds(table["last"])
    within = np.searchsorted(everyone, last, "right") - np.searchsorted(everyone, first)
    lasted = np.maximum(last - first, 3600.0)
    usual = everyone.size * lasted / usual_span(everyone)
    return within / usual, table["members"].to_numpy() / np.maximum(within, 1)


def _seconds(moments: Series[pd.Timestamp]) -> npt.NDArray[np.float64]:
    whole = moments.astype("datetime64[s]").astype("int64").to_numpy()
    return np.asarray(whole, dtype=np.float64)


def _variety(frame: pd.DataFrame, column: str) -> Series[float]:
    """Distinct values in each cluster over those that as many strangers would show.

    The expectation is the sum over values of 1 - (1 - p) ** k (detection formula F3).
    A cluster that shows no value at all has the variety of strangers.
    """
    inside = frame[frame["cluster"] != NO_CLUSTER]
    groups = inside.groupby("cluster", sort=True)[column]
    shown, distinct = groups.count(), groups.nunique()
    share = frame[column].value_counts(normalize=True)
    # Values of one frequency are summed together: most of a population is unique.
    levels, how_many = np.unique(share.to_numpy(), return_counts=True)
    sizes = np.unique(shown.to_numpy())
    expected = {
        int(k): max(float((how_many * (1 - (1 - levels) ** k)).sum()), 1e-9)
        for k in sizes
    }
    strangers = shown.map(expected)
    return (distinct / strangers).where(shown >= 2, 1.0)


def _largest_share(
    frame: pd.DataFrame, column: str, members: Series[int]
) -> Series[float]:
    """Share of each cluster that has its most common value of `column`."""
    counts = frame.groupby(["cluster", column]).size()
    if counts.empty:
        return members * 0.0
    largest = counts.groupby(level=0).max()
    return (largest / members).reindex(members.index).fillna(0.0)
