"""Many short-lived accounts harvest trial credit, with resets when it runs out.

Signals and starting values: WorkOS and NHIMG on LLM token theft (one-and-done
accounts, repeated devices, delete and recreate), LinkedIn's clusters of fake accounts
(mail patterns), SynchroTrap (synchrony). Each is asked of the account itself: being
in a cluster says nothing about a member who does not share its habits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from graph.harm import DRAINED_SHARE
from graph.kinship import CAPS as KIN_CAPS
from graph.link import base_harm
from graph.scene import Scene
from graph.surprise import surprise_among
from graph.typologies.evidence import Evidence, Flags, Floats

# Fewer linked takers than this are a family whose trials ran out.
LEAST_CHAIN = 5

# ln(span / spread) that clusters of innocents reach by chance and by season.
_USUAL_TIGHTNESS = 1.5

_KIN_SENTENCES = {
    "contact": "Its mail address is patterned like those of {kin:.0f} other drained "
    "trials.",
    "device": "It signed up with the same client build as {kin:.0f} other drained "
    "trials.",
    "behaviour": "It used the product just as {kin:.0f} other drained trials did: "
    "model, request sizes, pace.",
    "timing": "It signed up within hours of {kin:.0f} accounts with the same habits.",
    "network": "It signed up from the same kind of network as {kin:.0f} accounts with "
    "the same habits.",
    "social": "It came through the same invitation or referral as {kin:.0f} accounts "
    "with the same habits.",
}


def detect(scene: Scene) -> list[Evidence]:
    """Evidence for and against disposable sign-up, for every account of the scene."""
    return [
        *_shared_identifiers(scene),
        *_company_kept(scene),
        *_kinship(scene),
        *_resets(scene),
        *_burst(scene),
        *_rotation(scene),
        *_harm(scene),
    ]


def _shared_identifiers(scene: Scene) -> Iterator[Evidence]:
    families = {"device": "device", "card": "payment"}
    kinds = scene.edges.identifiers["kind"].to_numpy()
    for kind in sorted(set(kinds)):
        weight, others, drained = company(scene, kinds == kind, scene.harmed)
        family = families.get(kind, "contact")
        yield Evidence(
            f"shared_{kind}",
            family,
            weight,
            f"It shares a {kind} with {{others:.0f}} accounts, of which "
            "{drained:.0f} consumed without paying.",
            {"others": others, "drained": drained},
        )


def company(
    scene: Scene, chosen: Flags, guilty: Flags
) -> tuple[Floats, Floats, Floats]:
    """How surprising the guilt of those who share an identifier is: -ln of the tail.

    Looks at the linking identifiers that `chosen` marks. Returns for each account the
    nats of its most telling one, how many others share that, and how many of those
    are `guilty`, whose usual share is read off all accounts (binomial tail).
    """
    edges = scene.edges
    rows = np.flatnonzero(chosen[edges.identifier] & scene.linking)
    weight, most, worst = (np.zeros(scene.size) for _ in range(3))
    if not rows.size:
        return weight, most, worst
    account, identifier = edges.account[rows], edges.identifier[rows]
    took = guilty.astype(float)
    usual = base_harm(guilty)
    drained = np.bincount(identifier, took[account], len(edges.identifiers))
    others = (edges.degree[identifier] - 1).astype(float)
    bad = drained[identifier] - took[account]
    surprise = surprise_among(bad, others, usual)
    surprise = np.where(bad > 0, np.minimum(surprise, 20.0), 0.0)
    order = np.argsort(surprise, kind="stable")
    weight[account[order]] = surprise[order]
    most[account[order]] = others[order]
    worst[account[order]] = bad[order]
    return weight, most, worst


def _company_kept(scene: Scene) -> Iterator[Evidence]:
    """What a chain hides from each of its links: nearly all of the cluster took.

    Each link of a chain ties two accounts only, so the surprise is taken over the
    whole cluster, and given to the family of the account's own strongest hard link.
    """
    linked = {kind: _linked_by(scene, kind) for kind in ("device", "card", "phone")}
    took = scene.harmed.astype(float)
    others = np.maximum(scene.per_cluster(np.ones(scene.size)) - 1, 0.0)
    guilty = np.where(scene.clustered, scene.per_cluster(took) - took, 0.0)
    surprise = surprise_among(guilty, others, scene.usual_harm)
    telling = (guilty >= LEAST_CHAIN) & scene.harmed & _held_twice(scene)
    telling &= _next_to_takers(scene)
    for kind, family in (
        ("device", "device"),
        ("card", "payment"),
        ("phone", "contact"),
    ):
        yield Evidence(
            f"chained_by_{kind}",
            family,
            np.where(telling & linked[kind], np.minimum(surprise, 3.0), 0.0),
            f"Links such as its {kind} lead to {{others:.0f}} accounts, {{guilty:.0f}} "
            "of which consumed without paying.",
            {"others": others, "guilty": guilty},
        )


def _held_twice(scene: Scene) -> Flags:
    """Whether two identifiers, or three kin, tie an account to others that took.

    One shared thing may have been forged on a stranger to draw him in.
    """
    edges = scene.edges
    took = scene.harmed.astype(float)
    drained = np.bincount(edges.identifier, took[edges.account], len(edges.identifiers))
    tied = scene.linking & (drained[edges.identifier] - took[edges.account] > 0)
    links = np.bincount(edges.account[tied], minlength=scene.size)
    kin = np.bincount(
        np.concatenate([scene.kin.left, scene.kin.right]), minlength=scene.size
    )
    return np.asarray((links >= 2) | (kin >= 3))


def _next_to_takers(scene: Scene) -> Flags:
    """Whether four fifths of those on an account's own identifiers took as well.

    A stranger's cluster that hangs by one thread must not colour this side of it.
    """
    edges, linking = scene.edges, scene.linking
    took = scene.harmed.astype(float)
    drained = np.bincount(edges.identifier, took[edges.account], len(edges.identifiers))
    account, identifier = edges.account[linking], edges.identifier[linking]
    others = np.bincount(account, edges.degree[identifier] - 1.0, scene.size)
    guilty = np.bincount(account, drained[identifier] - took[account], scene.size)
    return np.asarray((others > 0) & (guilty >= 0.8 * others))


def _linked_by(scene: Scene, kind: str) -> Flags:
    rows = scene.linking & (
        scene.edges.identifiers["kind"].to_numpy()[scene.edges.identifier] == kind
    )
    return np.bincount(scene.edges.account[rows], minlength=scene.size) > 0


def _kinship(scene: Scene) -> Iterator[Evidence]:
    kin = scene.kin
    ends = np.concatenate([kin.left, kin.right])
    partners = np.bincount(ends, minlength=scene.size).astype(float)
    # Few look-alikes are a coincidence; from four on the median pair speaks in full.
    trust = np.minimum(partners / 4.0, 1.0)
    for family in KIN_CAPS:
        values = np.concatenate([kin.families[family]] * 2)
        middle = (
            pd.Series(values)
            .groupby(ends)
            .median()
            .reindex(range(scene.size), fill_value=0.0)
            .to_numpy()
        )
        yield Evidence(
            f"kindred_{family}",
            family,
            np.maximum(middle, 0.0) * trust,
            _KIN_SENTENCES[family],
            {"kin": partners},
        )


def _resets(scene: Scene) -> Iterator[Evidence]:
    profiles = scene.profiles
    resets = profiles["reset_grants"].to_numpy()
    members = scene.per_cluster(scene.harmed)
    closed = profiles["closed_at"].notna().to_numpy() & scene.took
    siblings = scene.per_cluster(closed) - closed
    yield Evidence(
        "closed_and_recreated",
        "behaviour",
        np.where(closed & (siblings >= 2), np.minimum(0.6 * siblings, 3.0), 0.0),
        "It was closed once its credit was gone, as were {siblings:.0f} accounts "
        "linked to it.",
        {"siblings": siblings},
    )
    yield Evidence(
        "credit_reset",
        "behaviour",
        np.where((resets > 0) & (members >= 2), np.minimum(1.0 + resets, 3.0), 0.0),
        "It drew fresh trial credit {resets:.0f} times beside linked accounts.",
        {"resets": resets},
    )


def _burst(scene: Scene) -> Iterator[Evidence]:
    """Tightness of a cluster's sign-ups on the clock of all sign-ups."""
    weight = np.zeros(scene.size)
    spread = np.zeros(scene.size)
    inside = np.flatnonzero(scene.clustered & scene.harmed)
    order = inside[np.lexsort((scene.created[inside], scene.cluster[inside]))]
    _, starts, counts = np.unique(
        scene.cluster[order], return_index=True, return_counts=True
    )
    for start, count in zip(starts, counts, strict=True):
        if count < LEAST_CHAIN:
            continue
        members = order[start : start + count]
        moments = scene.created[members]
        window = int(np.ceil(0.9 * count))
        widths = moments[window - 1 :] - moments[: count - window + 1]
        first = int(np.argmin(widths))
        narrow = max(float(widths[first]), 3600.0)
        tighter = np.log(max(scene.span_seconds, narrow) / narrow)
        within = members[first : first + window]
        weight[within] = np.clip(tighter - _USUAL_TIGHTNESS, 0.0, 2.0)
        spread[within] = narrow / 3600
    yield Evidence(
        "created_in_a_burst",
        "timing",
        weight,
        "It was created with the others of its cluster within {hours:.0f} hours, far "
        "tighter than sign-ups at the time.",
        {"hours": spread},
    )


def _rotation(scene: Scene) -> Iterator[Evidence]:
    yield Evidence(
        "quota_handoff",
        "behaviour",
        np.where(scene.took, np.minimum(scene.handoff_nats, 3.0), 0.0),
        "{times:.0f} times another account took over within seconds of a limit, or it "
        "took over from one.",
        {"times": scene.handoffs},
    )
    before = _removed_before(scene)
    yield Evidence(
        "came_back",
        "behaviour",
        np.where(scene.took & (before > 0) & _held_twice(scene), 2.0, 0.0),
        "{removed:.0f} accounts linked to it had been removed for abuse when it came.",
        {"removed": before},
    )


def _removed_before(scene: Scene) -> Floats:
    """How many of each account's cluster had been removed before it was created."""
    profiles = scene.profiles
    created = profiles["created_at"].fillna(profiles["first_seen"])
    removed = profiles["removed_at"]
    inside = np.flatnonzero(scene.clustered)
    gone = np.flatnonzero(scene.clustered & removed.notna().to_numpy())
    found = np.zeros(scene.size)
    moments = pd.concat([removed.iloc[gone], created.iloc[inside]]).to_numpy()
    group = np.concatenate([scene.cluster[gone], scene.cluster[inside]])
    leaving = np.concatenate([np.ones(gone.size), np.zeros(inside.size)])
    order = np.lexsort((moments, group))
    so_far = np.cumsum(leaving[order])
    _, starts = np.unique(group[order], return_index=True)
    base = np.repeat(
        so_far[starts] - leaving[order][starts],
        np.diff(np.concatenate([starts, [order.size]])),
    )
    coming = order >= gone.size
    found[inside[order[coming] - gone.size]] = (so_far - base)[coming]
    return found


def _harm(scene: Scene) -> Iterator[Evidence]:
    profiles = scene.profiles
    free = profiles["free_usd"].to_numpy()
    unpaid = profiles["unpaid_usd"].to_numpy()
    honest = profiles["honest_usd"].to_numpy()
    drained = np.where(
        free > 0, unpaid / np.where(free > 0, free, 1), 1.0 * (unpaid > 0)
    )
    yield Evidence(
        "trial_drained",
        "harm",
        np.where(scene.took, np.where(drained >= 0.9, 1.5, 1.0), 0.0),
        "It consumed ${unpaid:.2f} that nobody paid for ({share:.0%} of its free "
        "credit).",
        {"unpaid": unpaid, "share": np.minimum(drained, 9.99)},
    )
    yield Evidence(
        "went_silent",
        "harm",
        np.where(scene.took & scene.ended, 0.7, 0.0),
        "It has been silent for {hours:.0f} hours since.",
        {"hours": profiles["silent_hours"].fillna(0).to_numpy()},
    )
    yield Evidence(
        "little_consumed",
        "harm",
        np.where(~scene.harmed & (drained < DRAINED_SHARE), -2.0, 0.0),
        "It left most of its credit unused.",
    )
    yield Evidence(
        "pays",
        "benign",
        np.where(honest > 0, -np.minimum(2.0 + np.log1p(honest / 10), 6.0), 0.0),
        "It paid ${honest:.2f} that nobody disputed.",
        {"honest": honest},
    )
    days = profiles["active_days"].to_numpy()
    yield Evidence(
        "keeps_coming_back",
        "benign",
        np.where(days >= 10, -np.minimum((days - 5) / 5, 3.0), 0.0),
        "It was used on {days:.0f} separate days.",
        {"days": days},
    )
