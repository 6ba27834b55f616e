"""A card unlocks limits; the account is drained and left before the chargeback.

Early fraud warnings and disputes are labels that arrive late, so the shape before them
counts as well: cards tried until one passes, one card on many accounts, a run of cards
of one BIN, limits unlocked and used up at once, silence. Real holders dispute too:
long custom and continued use speak for them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from graph.harm import MANY_DECLINES, SILENCE_HOURS
from graph.link import base_harm
from graph.scene import Scene
from graph.surprise import surprise_among
from graph.typologies.disposable_signup import company
from graph.typologies.evidence import Evidence, Flags, Floats

# Honest people top up once or twice a day.
MANY_CHARGES = 3.0
# A run of one issuer's cards lasts days, and half a bank's customers are not thieves.
BIN_DAYS = 3.0
BIN_MOST = 3.0


def detect(scene: Scene) -> list[Evidence]:
    """Evidence for and against a stolen card, for every account of the scene."""
    return [
        *_disputes(scene),
        *_velocity(scene),
        *_testing(scene),
        *_company(scene),
        *_drain(scene),
    ]


def _disputes(scene: Scene) -> Iterator[Evidence]:
    profiles = scene.profiles
    bad = profiles["disputed_charges"].to_numpy()
    disputed = profiles["disputed_usd"].to_numpy()
    yield Evidence(
        "early_fraud_warning",
        "payment",
        np.where(profiles["warning"].to_numpy(dtype=bool), 3.0, 0.0),
        "The card network warned that ${disputed:.2f} charged here is fraud.",
        {"disputed": disputed},
    )
    yield Evidence(
        "charge_disputed",
        "payment",
        np.where(bad > 0, np.minimum(1.5 + 0.25 * bad, 2.5), 0.0),
        "{charges:.0f} of its charges were disputed or made with a stolen card.",
        {"charges": bad},
    )
    yield Evidence(
        "unpaid_by_card",
        "harm",
        np.where(bad > 0, 1.5, 0.0),
        "${disputed:.2f} of its bill will be taken back.",
        {"disputed": disputed},
    )


def _velocity(scene: Scene) -> Iterator[Evidence]:
    """Charge upon charge on the first day, before the card's holder can notice."""
    profiles = scene.profiles
    charges = profiles["charges_in_a_day"].to_numpy()
    running = scene.hasty & (charges >= MANY_CHARGES)
    yield Evidence(
        "charged_in_a_run",
        "payment",
        np.where(running, np.minimum(0.5 * charges, 3.0), 0.0),
        "Its card was charged {charges:.0f} times within one day.",
        {"charges": charges},
    )
    codes = profiles["cvc_failed"].to_numpy(dtype=float)
    checks = codes + profiles["avs_failed"].to_numpy(dtype=float)
    # Honest people mistype an address; who holds the card knows its code.
    sign = np.where((codes > 0) | (checks >= 2), 1.0, 0.5)
    yield Evidence(
        "checks_failed",
        "payment",
        np.where(scene.hasty & (checks > 0), sign, 0.0),
        "Its card failed {checks:.0f} checks of security code or address.",
        {"checks": checks},
    )


def _testing(scene: Scene) -> Iterator[Evidence]:
    profiles = scene.profiles
    declines = profiles["declines"].to_numpy()
    cards = profiles["declined_cards"].to_numpy()
    failed = profiles["cvc_failed"].to_numpy(dtype=float)
    testing = (declines >= MANY_DECLINES) & (cards >= 2)
    yield Evidence(
        "cards_tried",
        "payment",
        np.where(testing, np.minimum(1.0 + 0.5 * declines, 5.0), 0.0),
        "It tried {cards:.0f} cards and had {declines:.0f} charges refused.",
        {"cards": cards, "declines": declines},
    )
    yield Evidence(
        "refusals",
        "harm",
        np.where(testing, 1.5, 0.0),
        "{declines:.0f} charges for what it meant to use were refused.",
        {"declines": declines},
    )
    yield Evidence(
        "card_checks_failed",
        "behaviour",
        np.where(failed >= 2, np.minimum(0.7 * failed, 3.0), 0.0),
        "{failed:.0f} cards failed the check of their security code.",
        {"failed": failed},
    )


def _company(scene: Scene) -> Iterator[Evidence]:
    kinds = scene.edges.identifiers["kind"].to_numpy()
    for kind, family in (("card", "payment"), ("device", "device")):
        weight, others, drained = company(scene, kinds == kind, scene.billing)
        yield Evidence(
            f"{kind}_of_disputed_accounts",
            family,
            weight,
            f"{{drained:.0f}} of the {{others:.0f}} other accounts on its {kind} had "
            "charges disputed or refused.",
            {"others": others, "drained": drained},
        )
    weight, others, drained = _bin_run(scene)
    yield Evidence(
        "bin_run",
        "payment",
        np.where(scene.billing | scene.hasty, np.minimum(weight, BIN_MOST), 0.0),
        "{drained:.0f} of the {others:.0f} other accounts that added a card of the "
        "same issuer number in those days had charges disputed or refused.",
        {"others": others, "drained": drained},
    )


def _bin_run(scene: Scene) -> tuple[Floats, Floats, Floats]:
    """How surprising the disputes are among cards of one BIN added within days.

    Returns for each account nats (-ln of the binomial tail), how many others added a
    card of its BIN within `BIN_DAYS` of its own, and how many of those were disputed.
    """
    profiles = scene.profiles
    weight, others, drained = (np.zeros(scene.size) for _ in range(3))
    known = profiles["card_bin"].notna() & profiles["first_card_at"].notna()
    rows = np.flatnonzero(known.to_numpy())
    if not rows.size:
        return weight, others, drained
    bins, _ = pd.factorize(profiles["card_bin"].iloc[rows])
    moments = profiles["first_card_at"].iloc[rows].astype("datetime64[s]")
    days = moments.astype("int64").to_numpy() / 86400.0
    # One axis for all BINs, with more than a window between two of them.
    place = bins * (np.ptp(days) + 4 * BIN_DAYS) + days - days.min()
    order = np.argsort(place, kind="stable")
    guilty = scene.billing[rows].astype(float)
    so_far = np.concatenate([[0.0], np.cumsum(guilty[order])])
    first = np.searchsorted(place[order], place - BIN_DAYS, "left")
    last = np.searchsorted(place[order], place + BIN_DAYS, "right")
    others[rows] = last - first - 1
    drained[rows] = so_far[last] - so_far[first] - guilty
    usual = base_harm(scene.billing[rows])
    surprise = surprise_among(drained[rows], others[rows], usual)
    weight[rows] = np.where(drained[rows] >= 2, surprise, 0.0)
    return weight, others, drained


def _drain(scene: Scene) -> Iterator[Evidence]:
    profiles = scene.profiles
    # A bill is refused after what it is for: the card's first day is the start.
    start = profiles["first_card_at"].fillna(profiles["first_paid_at"])
    start = start.fillna(profiles["first_bad_at"])
    fast = (profiles["last_use"] - start).dt.total_seconds().to_numpy() / 3600
    used = profiles["usage_usd"].to_numpy()
    silent = (profiles["silent_hours"] >= SILENCE_HOURS).to_numpy()
    drained = (used > 0) & silent & (fast >= 0) & (fast <= 240)
    yield from _unpaid_bill(scene, drained)
    yield from _likely_unpaid(scene)
    yield Evidence(
        "drained_and_left",
        "behaviour",
        np.where((drained & scene.billing) | scene.hasty, 2.0, 0.0),
        "It used ${used:.2f} within {hours:.0f} hours of its card and never returned.",
        {"used": used, "hours": np.nan_to_num(fast)},
    )
    first = start.where(scene.hasty, profiles["first_bad_at"].fillna(start))
    age = (first - profiles["created_at"]).dt.total_seconds().to_numpy() / 3600
    yield Evidence(
        "card_at_once",
        "timing",
        np.where((scene.billing | scene.hasty) & (age <= 24), 1.0, 0.0),
        "The card came within {hours:.0f} hours of the sign-up.",
        {"hours": np.nan_to_num(age)},
    )
    tenure = (profiles["last_seen"] - profiles["first_seen"]).dt.days.to_numpy()
    honest = profiles["honest_charges"].to_numpy()
    bad = profiles["disputed_charges"].to_numpy()
    custom = (honest >= 2) & (tenure >= 30)
    yield Evidence(
        "long_custom",
        "benign",
        np.where(custom & (honest > bad), -np.minimum(1.5 + honest / 2, 6.0), 0.0),
        "It has paid {honest:.0f} charges over {tenure:.0f} days.",
        {"honest": honest, "tenure": tenure.astype(float)},
    )
    stayed = (
        (profiles["last_use"] - profiles["disputed_at"]).dt.total_seconds() / 3600
    ).to_numpy()
    yield Evidence(
        "still_here_after_the_dispute",
        "benign",
        np.where(stayed > 48, -2.5, 0.0),
        "It goes on being used {hours:.0f} hours after the dispute.",
        {"hours": np.nan_to_num(stayed)},
    )
    days = profiles["active_days"].to_numpy()
    yield Evidence(
        "used_over_time",
        "benign",
        np.where(
            (days >= 5) & (tenure >= 14) & ~profiles["warning"].to_numpy(dtype=bool),
            -2.0,
            0.0,
        ),
        "It was used on {days:.0f} days over {tenure:.0f}, as a customer does.",
        {"days": days, "tenure": tenure.astype(float)},
    )


def _likely_unpaid(scene: Scene) -> Iterator[Evidence]:
    used = scene.profiles["usage_usd"].to_numpy()
    yield Evidence(
        "card_used_up",
        "harm",
        np.where(scene.hasty & ~scene.billing, 1.0, 0.0),
        "${used:.2f} was used up on a card within days; its dispute may still come.",
        {"used": used},
    )


def _unpaid_bill(scene: Scene, drained: Flags) -> Iterator[Evidence]:
    """The shape before the warning: fresh card, large bill, silence (formula F8)."""
    profiles = scene.profiles
    owed = profiles["owed_usd"].to_numpy()
    failed = (profiles["cvc_failed"] + profiles["avs_failed"] > 0).to_numpy()
    prepaid = profiles["prepaid"].to_numpy(dtype=bool)
    abroad = (
        profiles["card_country"].notna()
        & profiles["ip_country"].notna()
        & (profiles["card_country"] != profiles["ip_country"])
    ).to_numpy()
    owing = drained & scene.owing
    yield Evidence(
        "bill_left_open",
        "payment",
        np.where(owing, 1.0 + 1.5 * failed + 0.5 * prepaid + 0.5 * abroad, 0.0),
        "It owes ${owed:.2f} on a card that was never charged for it.",
        {"owed": owed},
    )
    yield Evidence(
        "ran_up_a_bill",
        "behaviour",
        np.where(owing, np.minimum(1.0 + np.log1p(owed / 50), 3.0), 0.0),
        "It ran up ${owed:.2f} in its first days and fell silent.",
        {"owed": owed},
    )
    yield Evidence(
        "owes",
        "harm",
        np.where(owing, 1.0, 0.0),
        "${owed:.2f} of its use is unpaid.",
        {"owed": owed},
    )
