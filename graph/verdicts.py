"""Two gates, one probability: what each account, key and tenant is called, and why.

Overuse is not theft. An account is called abusive only with *control* that no third
party could have forged and *harm* of its own; the probability comes from the prior
that the user sets and the nats of the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from graph.scene import Scene
from graph.typologies.evidence import (
    NO_CONTROL,
    NO_HARM,
    Evidence,
    Flags,
    Floats,
    Weighed,
    weigh,
)

DEFAULT_BASE_RATE = 0.05
# Nats of unforgeable control, and how many families must speak, before anyone acts.
CONTROL_GATE = 3.0
LEAST_FAMILIES = 2
BAN_ABOVE = 0.97
REVIEW_ABOVE = 0.5
# A farm is more than a family: this many members took, and most of the cluster did.
LEAST_FARM = 5
# An early fraud warning alone, or four refused cards, and something else beside it.
STRONG_BILLING = 3.0
SOLID_ABOVE = 2.0
# Nats of the payment family that make a used-up card a suspect one.
LEAST_SIGN = 1.0
FARM_PURITY = 0.6
# What stands against one strong family that speaks alone, in nats.
_SINGLE_SIGN = -1.0


@dataclass(frozen=True)
class Verdicts:
    """The judgement of one typology over all accounts."""

    typology: str
    weighed: Weighed
    log_odds: Floats
    control: Flags
    harm: Flags
    ban: Flags
    review: Flags

    @property
    def probability(self) -> Floats:
        """Probability of abuse, 0 to 1."""
        return np.asarray(expit(self.log_odds))


def judge_accounts(
    scene: Scene,
    evidence: Mapping[str, list[Evidence]],
    benign: list[Evidence],
    base_rate: float,
) -> list[Verdicts]:
    """One `Verdicts` a typology, over the accounts of the scene."""
    stories = {
        "disposable_signup": benign,
        "stolen_payment": _where_cards_pay(scene, benign),
    }
    return [
        _judge(scene, name, [*items, *stories[name]], base_rate)
        for name, items in evidence.items()
    ]


def _where_cards_pay(scene: Scene, benign: list[Evidence]) -> list[Evidence]:
    """No household, agency or crowd explains a cluster most of which is disputed."""
    billed = scene.per_cluster(scene.billing)
    mostly = 2 * billed >= np.maximum(scene.per_cluster(np.ones(scene.size)), 1)
    return [replace(item, weight=np.where(mostly, 0.0, item.weight)) for item in benign]


def _own_harm(scene: Scene, typology: str, first: Weighed) -> Flags:
    """What an account took itself; beside signs of theft a card used up counts, and
    one that is shared with a ring most of which was disputed."""
    if typology == "disposable_signup":
        return scene.took
    members = np.maximum(scene.per_cluster(np.ones(scene.size)), 1)
    billed = scene.per_cluster(scene.billing)
    ring = (billed >= LEAST_FARM) & (billed / members >= FARM_PURITY)
    stolen = (scene.hasty | ring) & (first.families["payment"] >= LEAST_SIGN)
    return np.asarray(scene.billing | scene.owing | stolen)


def _judge(
    scene: Scene,
    typology: str,
    evidence: list[Evidence],
    base_rate: float,
) -> Verdicts:
    first = weigh(evidence, scene.size)
    own_harm = _own_harm(scene, typology, first)
    control = (first.control >= CONTROL_GATE) & (first.speaking >= LEAST_FAMILIES)
    gates = [
        Evidence(
            "no_harm_of_its_own",
            "benign",
            np.where(own_harm, 0.0, NO_HARM),
            "It consumed nothing that its user left unpaid.",
        ),
        Evidence(
            "control_not_shown",
            "benign",
            np.where(own_harm & ~control, _weak_control(first), 0.0),
            "Nothing but forgeable or single signs ties it to others.",
        ),
    ]
    weighed = weigh([*evidence, *gates], scene.size)
    log_odds = weighed.total + float(logit(base_rate))
    probability = expit(log_odds)
    company = _in_company(scene, typology, weighed)
    ban = control & own_harm & company & (probability >= BAN_ABOVE)
    ban &= _solid(scene, weighed) & _own_doing(weighed)
    ban &= weighed.families["benign"] > -2.0
    review = own_harm & ~ban & (probability >= REVIEW_ABOVE)
    return Verdicts(typology, weighed, log_odds, control, own_harm, ban, review)


def _own_doing(weighed: Weighed) -> Flags:
    """Whether something speaks that only the account's own user could have done.

    A device id and a look-alike mailbox can be forged onto a stranger, and he may
    come in the same hours; how he paid and how he used the product can't.
    """
    own = [weighed.families[name] >= 1.0 for name in ("payment", "behaviour", "key")]
    return np.asarray(np.any(own, axis=0), dtype=np.bool_)


def _solid(scene: Scene, weighed: Weighed) -> Flags:
    """Whether a card, an own device or a charge says so, and not its looks alone.

    Look-alike mail, a client build, a mailbox with tags and a device that others
    showed on an account are forgeable.
    """
    firm = scene.firmly_linked
    strong = [
        (item.weight >= SOLID_ABOVE) & (firm | (item.family != "device"))
        for item in weighed.evidence
        if item.family in {"payment", "device", "key"}
        and not item.code.startswith("kindred_")
    ]
    return np.asarray(np.any(strong, axis=0), dtype=np.bool_)


def _weak_control(weighed: Weighed) -> Floats:
    """One strong family is a single sign; less than the gate is hardly any."""
    single = (weighed.control >= CONTROL_GATE) & (weighed.speaking == 1)
    return np.where(single, _SINGLE_SIGN, NO_CONTROL)


def _in_company(scene: Scene, typology: str, weighed: Weighed) -> Flags:
    if typology == "stolen_payment":
        return np.asarray(
            scene.billing & (weighed.families["payment"] >= STRONG_BILLING)
        )
    harmed = scene.per_cluster(scene.harmed)
    members = np.maximum(scene.per_cluster(np.ones(scene.size)), 1)
    return np.asarray((harmed >= LEAST_FARM) & (harmed / members >= FARM_PURITY))


def roles(scene: Scene, verdicts: list[Verdicts]) -> npt.NDArray[np.str_]:
    """core, likely, bystander, or empty for an account in no cluster."""
    control = np.any([v.control & v.harm for v in verdicts], axis=0)
    likely = np.any([v.review for v in verdicts], axis=0) | scene.harmed
    role = np.where(control, "core", np.where(likely, "likely", "bystander"))
    return np.where(scene.clustered, role, "").astype(np.str_)


def choose_typology(
    verdicts: list[Verdicts], profiles: pd.DataFrame
) -> npt.NDArray[np.int64]:
    """Which verdict speaks for each account: the likelier, or of two likely the
    one that cost more."""
    probability = np.stack([v.probability for v in verdicts])
    by_credit = profiles["credit_usd"].to_numpy()
    by_card = profiles["unpaid_usd"].to_numpy() - by_credit
    cost = {"disposable_signup": by_credit, "stolen_payment": by_card}
    costs = np.stack([cost[v.typology] for v in verdicts])
    acting = np.stack([v.ban | v.review for v in verdicts])
    rank = acting * (1e6 + costs) + probability
    return np.asarray(np.argmax(rank, axis=0), dtype=np.int64)
