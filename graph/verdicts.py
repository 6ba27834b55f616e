"""Two gates, one probability: what each account, key and tenant is called, and why.

Overuse is not theft. An account is called abusive only with *control* that no third
party could have forged and *harm* of its own; the probability comes from the prior
that the user sets and the nats of the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from graph.kinship import LEAST_KIN
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
LEAST_CROWD = 12
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
    own_harm = {
        "disposable_signup": scene.took,
        "stolen_payment": scene.billing | scene.owing,
    }
    return [
        _judge(scene, name, [*items, *benign], own_harm[name], base_rate)
        for name, items in evidence.items()
    ]


def _judge(
    scene: Scene,
    typology: str,
    evidence: list[Evidence],
    own_harm: Flags,
    base_rate: float,
) -> Verdicts:
    first = weigh(evidence, scene.size)
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
    ban &= _solid(scene, weighed) & _own_doing(scene, weighed)
    ban &= weighed.families["benign"] > -2.0
    review = own_harm & ~ban & (probability >= REVIEW_ABOVE)
    return Verdicts(typology, weighed, log_odds, control, own_harm, ban, review)


def _own_doing(scene: Scene, weighed: Weighed) -> Flags:
    """Whether something speaks that only the account's own user could have done.

    A device id and a look-alike mailbox can be forged onto a stranger; how he paid,
    when he came and how he used the product can't.
    """
    own = [weighed.families[name] >= 1.0 for name in ("payment", "behaviour", "key")]
    own.append(weighed.families["timing"] >= 1.5)
    ends = np.concatenate([scene.kin.left, scene.kin.right])
    own.append(np.bincount(ends, minlength=scene.size) >= LEAST_KIN)
    return np.asarray(np.any(own, axis=0), dtype=np.bool_)


def _solid(scene: Scene, weighed: Weighed) -> Flags:
    """Whether a thing is shared or disputed, or a crowd writes its mail one way."""
    ends = np.concatenate([scene.kin.left, scene.kin.right])
    crowd = np.bincount(ends, minlength=scene.size) >= LEAST_CROWD
    strong = [
        (item.weight >= SOLID_ABOVE) & (crowd | (not item.code.startswith("kindred_")))
        for item in weighed.evidence
        if item.family in {"payment", "device", "contact", "key"}
        and (not item.code.startswith("kindred_") or item.family == "contact")
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
