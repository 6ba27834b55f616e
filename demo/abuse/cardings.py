"""Consumption on other people's cards."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo import cards
from demo.abuse import mails
from demo.abuse.ring import Ring, gather, hide, pool
from demo.dice import Dice
from demo.hours import DAY, HOUR
from demo.people import POSTPAID, PREPAID
from demo.scene import Scene, live
from demo.setting import COUNTRIES, Setting


def shared_card(dice: Dice, setting: Setting, n: int) -> Scene:
    """One stolen card for several accounts until the bank says no."""
    rings = _on_stolen_cards(dice, setting, n, "shared_card")
    people, k = rings.people, rings.count
    size = np.bincount(rings.ring)
    many = np.maximum(1, np.round(size / dice.log_uniform(2.5, 12, k))).astype(int)
    holder = rings.heads[rings.ring] + rings.place % many[rings.ring]
    for name in cards.COLUMNS:
        people[name] = people[name].to_numpy()[holder]
    return live(dice, setting, people)


def drain_silence(dice: Dice, setting: Setting, n: int) -> Scene:
    """A stolen card each: spend as much as it takes in a day or two, then silence."""
    rings = _on_stolen_cards(dice, setting, n, "drain_silence")
    people = rings.people
    _alone(dice, setting, rings)
    scene = live(dice, setting, people)
    raised = people[dice.chance(0.6, n)]
    scene.tell(
        "limit.raised",
        pd.DataFrame(
            {
                "account_id": raised["account_id"],
                "t": raised["pm_at"] + dice.lognormal(1800, 1.0, len(raised)),
                "limit_usd": dice.pick((200, 500, 1000), len(raised)),
                "reason": "request",
            }
        ),
    )
    return scene


def bin_run(dice: Dice, setting: Setting, n: int) -> Scene:
    """Numbers of one issuer, counted through: a fresh card, always the same BIN."""
    rings = _on_stolen_cards(dice, setting, n, "bin_run")
    people = rings.people
    for name in ("card_bin", "card_funding", "card_country"):
        people[name] = people[name].to_numpy()[rings.heads][rings.ring]
    scene = live(dice, setting, people)
    _attempts(dice, scene, rings, tries=(1, 6), own_bin=True)
    return scene


def card_testing(dice: Dice, setting: Setting, n: int) -> Scene:
    """Cards tried by the dozen with small sums; what works is spent."""
    rings = _on_stolen_cards(dice, setting, n, "card_testing")
    people = rings.people
    pool(dice, rings, "device_id", dice.ids("", n), dice.log_uniform(1, 6, rings.count))
    scene = live(dice, setting, people)
    _attempts(dice, scene, rings, tries=(4, 45), own_bin=False)
    return scene


def _on_stolen_cards(dice: Dice, setting: Setting, n: int, level: str) -> Ring:
    """Accounts that consume on cards of people elsewhere, who notice days later."""
    rings = gather(dice, setting, n, level)
    people, k = rings.people, rings.count
    hide(dice, setting, rings)
    people["email"] = mails.named(dice, rings.ring, (*mails.OPEN, *mails.HIDDEN))
    people["case"] = "stolen_payment"
    victims = dice.pick(list(COUNTRIES), n, list(setting.country_weights))
    checks = float(dice.rng.uniform(0.5, 0.95))
    issued = cards.issue(dice, victims, prepaid=0.02, checks=checks)
    for name in cards.COLUMNS:
        people[name] = issued[name].to_numpy()
    people["wallet"] = False
    people["pay"] = rings.each(dice.pick((POSTPAID, PREPAID), k))
    people["topup"] = rings.each(dice.pick((20.0, 50.0, 100.0, 200.0), k))
    wait = rings.each(dice.log_uniform(0.02, 60, k)) * HOUR
    people["pm_at"] = people["created"] + wait * dice.lognormal(1.0, 0.5, n)
    people["start"] = people["pm_at"] + dice.lognormal(1200, 1.0, n)
    spend = rings.each(dice.log_uniform(15, 700, k)) * dice.lognormal(1.0, 0.5, n)
    people["grant"] = np.where(rings.each(dice.chance(0.6, k)), people["grant"], 0.0)
    people["spend"] = people["grant"] + spend
    people["span"] = dice.log_uniform(0.05, 4, n) * DAY
    people["events"] = dice.lognormal(1.5, 0.5, n)
    people["plan"] = rings.each(dice.pick(("payg", "pro", "build"), k))
    people["warn_share"] = rings.each(dice.rng.uniform(0.5, 0.95, k))
    people["dispute_share"] = rings.each(dice.rng.uniform(0.45, 0.9, k))
    people["warn_lag"] = dice.log_uniform(0.7, 7, n) * DAY
    people["dispute_lag"] = dice.lognormal(35 * DAY, 0.35, n)
    people["decline_share"] = rings.each(dice.rng.uniform(0.05, 0.6, k))
    return rings


def _alone(dice: Dice, setting: Setting, rings: Ring) -> None:
    """Undo what an operator's accounts share: these thieves know nobody."""
    people, n = rings.people, rings.ring.size
    people["ring_id"] = ""
    people["email"] = mails.bought(dice, n)
    clients = setting.clients
    people["browser"] = clients.browsers[dice.index(clients.browsers.size, n)]
    people["client"] = clients.sdks[dice.index(clients.sdks.size, n)]
    people["habit"] = dice.index(len(setting.habits.models), n)
    own = np.where(people["prompt"] < 0, -1, dice.salts(n))
    people["prompt"] = own
    people["created"] = dice.rng.uniform(0, 0.9, n) * setting.end
    people["pm_at"] = people["created"] + dice.lognormal(2 * HOUR, 1.2, n)
    people["start"] = people["pm_at"] + dice.lognormal(1200, 1.0, n)


def _attempts(
    dice: Dice, scene: Scene, rings: Ring, tries: tuple[int, int], *, own_bin: bool
) -> None:
    """Cards that the bank refused before one went through."""
    people = scene.accounts
    limit = rings.each(dice.log_uniform(*tries, rings.count))
    many = 1 + dice.rng.poisson(limit)
    row = np.repeat(np.arange(len(people)), many)
    who = people.iloc[row].reset_index(drop=True)
    n = len(who)
    foreign = dice.pick(list(COUNTRIES), n)
    tried = cards.issue(dice, foreign, prepaid=0.05, checks=0.3)
    tried["wallet"] = False
    if own_bin:
        for name in ("card_bin", "card_funding", "card_country"):
            tried[name] = who[name]
    gap = dice.lognormal(
        rings.each(dice.log_uniform(20, 900, rings.count))[row], 0.6, n
    )
    before = np.cumsum(gap)
    first = np.cumsum(many) - many
    since = before - before[first][row]
    length = np.maximum(since[np.cumsum(many) - 1][row], 1.0)
    room = np.minimum(length, np.maximum(who["pm_at"] - who["created"] - 60, 30))
    at = who["pm_at"] - 20 - room * (1 - since / length)
    at = np.maximum(at, who["created"] + 10)
    method = dice.ids("pm_", n, 14)
    scene.tell(
        "payment_method.added",
        tried.assign(
            account_id=who["account_id"], payment_method_id=method, t=at.to_numpy()
        ),
    )
    small = np.round(dice.pick((0.5, 1.0, 2.0, 5.0, 20.0), n), 2)
    codes = (
        "incorrect_cvc",
        "generic_decline",
        "lost_card",
        "stolen_card",
        "fraudulent",
    )
    scene.tell(
        "payment.charged",
        pd.DataFrame(
            {
                "account_id": who["account_id"],
                "t": at.to_numpy() + dice.lognormal(8, 0.5, n),
                "amount_usd": small,
                "charge_id": dice.ids("ch_", n),
                "payment_method_id": method,
                "status": "declined",
                "decline_code": dice.pick(codes, n, (4, 5, 1, 1, 1)),
            }
        ),
    )
