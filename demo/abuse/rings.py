"""Rings of throw-away accounts, from careless to careful: the level of a ring says
what its operator bothers to hide."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo.abuse import mails
from demo.abuse.ring import (
    Ring,
    add_cards,
    device_or_card_pool,
    gather,
    hide,
    pace,
    pool,
)
from demo.dice import Dice, Ints
from demo.hours import ANY, DAY, HOUR, NIGHT, WAKING
from demo.people import adjust
from demo.scene import Scene, cut_off, live
from demo.setting import Setting


def naive(dice: Dice, setting: Setting, n: int) -> Scene:
    """One address, one device, numbered mail: nothing hidden."""
    rings = gather(dice, setting, n, "naive")
    people, k = rings.people, rings.count
    hosted = dice.chance(0.4, k)
    country = people["country"].to_numpy()[rings.heads]
    net = np.where(
        hosted,
        setting.nets(dice, "cloud", country),
        setting.nets(dice, "home", country),
    )
    people["net"], people["share2"] = rings.each(net), 0.0
    pool(dice, rings, "salt", dice.salts(n), dice.log_uniform(8, 300, k))
    people["lease"] = rings.each(dice.log_uniform(2, 60, k) * DAY)
    pool(dice, rings, "device_id", dice.ids("", n), dice.log_uniform(4, 300, k))
    people["device_scheme"] = "fpjs-4"
    people["email"] = mails.named(dice, rings.ring, mails.OPEN)
    return live(dice, setting, people)


def proxied(dice: Dice, setting: Setting, n: int) -> Scene:
    """Another address for everything; devices or cards come from a pool."""
    rings = gather(dice, setting, n, "proxied")
    hide(dice, setting, rings)
    device_or_card_pool(dice, rings)
    rings.people["email"] = mails.named(dice, rings.ring, (*mails.OPEN, *mails.HIDDEN))
    return live(dice, setting, rings.people)


def slow(dice: Dice, setting: Setting, n: int) -> Scene:
    """Like a proxied ring at a sixth of the pace: weeks between neighbours' ends."""
    rings = gather(dice, setting, n, "slow")
    k = rings.count
    length = dice.rng.uniform(0.45, 0.9, k) * setting.end / np.bincount(rings.ring)
    pace(dice, setting, rings, length)
    hide(dice, setting, rings)
    device_or_card_pool(dice, rings)
    rings.people["email"] = mails.named(dice, rings.ring, mails.HIDDEN)
    return live(dice, setting, rings.people)


def chained(dice: Dice, setting: Setting, n: int) -> Scene:
    """Each account shares a card with one neighbour and a device with the other."""
    rings = gather(dice, setting, n, "chained")
    people, k = rings.people, rings.count
    pace(dice, setting, rings, dice.log_uniform(4 * HOUR, 2 * DAY, k))
    hide(dice, setting, rings)
    device = dice.ids("", n)
    people["device_scheme"], people["second_device"] = "fpjs-4", ""
    people["device_id"] = device[np.arange(n) - rings.place % 2]
    add_cards(dice, rings, _partner(rings))
    chord = np.maximum(np.arange(n) - 3, rings.heads[rings.ring])
    phone = people["phone"].to_numpy()
    people["phone"] = np.where(dice.chance(0.15, n), phone[chord], phone)
    people["email"] = mails.named(dice, rings.ring, (*mails.HIDDEN, mails.bought))
    return live(dice, setting, people)


def reset(dice: Dice, setting: Setting, n: int) -> Scene:
    """Use up, close, sign up again: the same machine, card or mail stem each time."""
    rings = gather(dice, setting, n, "reset")
    people, k = rings.people, rings.count
    pause = rings.each(dice.log_uniform(0.05, 3, k) * DAY) * dice.lognormal(1, 0.5, n)
    room = rings.each(0.8 * setting.end / np.bincount(rings.ring))
    people["span"] = np.minimum(people["span"], room * 0.6)
    turn = np.minimum(people["span"] + pause, room).to_numpy()
    before = np.cumsum(turn) - turn
    begin = rings.each(dice.rng.uniform(0, 0.2 * setting.end, k))
    people["created"] = begin + before - before[rings.heads][rings.ring]
    people["start"] = people["created"] + dice.lognormal(600, 1.0, n)
    people["closed"] = people["start"] + people["span"] + 0.3 * pause
    people["close_reason"] = "user_request"
    keeps = dice.index(3, k, (3, 2, 3))
    machine, card = rings.each(keeps != 1), rings.each(keeps != 0)
    adjust(
        people,
        machine,
        device_id=rings.each(dice.ids("", k)),
        device_scheme="fpjs-4",
    )
    add_cards(dice, rings, np.where(card, rings.heads[rings.ring], -1))
    for name in ("net", "salt", "lease", "country", "tz"):
        people[name] = people[name].to_numpy()[rings.heads][rings.ring]
    people["grant_reason"] = np.where(
        rings.each(dice.chance(0.5, k)) & (rings.place > 0), "reset", "trial"
    ).astype(object)
    people["email"] = mails.named(dice, rings.ring, (mails.sequence, mails.plus_tags))
    scene = live(dice, setting, people)
    cut_off(scene, scene.accounts.set_index("account_id")["closed"])
    return scene


def stealth(dice: Dice, setting: Setting, n: int) -> Scene:
    """New address, device and card for each account; only the manner stays the same:
    cadence, mail pattern, client, shape of use, prompt, referral code."""
    rings = gather(dice, setting, n, "stealth")
    people, k = rings.people, rings.count
    pace(dice, setting, rings, dice.log_uniform(300, 1.2 * DAY, k))
    hide(dice, setting, rings)
    people["rhythm"] = rings.each(dice.pick((ANY, WAKING, NIGHT), k, (2, 3, 1)))
    low = dice.rng.uniform(0.6, 0.9, k)
    people["spend"] = people["grant"] * rings.each(low) * dice.lognormal(1.0, 0.04, n)
    people["limit_hits"] = 0
    code = np.where(dice.chance(0.5, k), dice.ids("ref-", k, 6), "").astype(object)
    people["referral_code"] = rings.each(code)
    inviter = people["account_id"].to_numpy()[np.maximum(np.arange(n) - 1, 0)]
    invited = rings.each(dice.chance(0.3, k)) & (rings.place > 0)
    adjust(people, invited, invited_by=inviter)
    people["email"] = mails.named(dice, rings.ring, mails.HIDDEN)
    return live(dice, setting, people)


def aged(dice: Dice, setting: Setting, n: int) -> Scene:
    """Bought or laid down weeks ago, woken together, worked from the same machines."""
    rings = gather(dice, setting, n, "aged")
    people, k = rings.people, rings.count
    wake = dice.rng.uniform(0.3, 0.8, k) * setting.end
    people["created"] = rings.each(wake) - dice.log_uniform(6, 120, n) * DAY
    together = rings.each(dice.log_uniform(0.05, 4, k)) * DAY
    people["start"] = rings.each(wake) + together * dice.rng.random(n)
    hide(dice, setting, rings)
    people["server_net"] = rings.each(
        setting.nets(dice, "cloud", people["country"].to_numpy()[rings.heads])
    )
    pool(dice, rings, "server_salt", dice.salts(n), dice.log_uniform(3, 25, k))
    people["api"] = True
    pool(dice, rings, "second_device", dice.ids("", n), dice.log_uniform(3, 20, k))
    people["sessions"] = dice.rng.integers(2, 6, n)
    people["email"] = mails.named(dice, rings.ring, (mails.bought, mails.generated))
    return live(dice, setting, people)


def handoff(dice: Dice, setting: Setting, n: int) -> Scene:
    """One program over many accounts: at the limit of one it goes on with the next."""
    rings = gather(dice, setting, n, "handoff")
    people, k = rings.people, rings.count
    hide(dice, setting, rings)
    pool(dice, rings, "device_id", dice.ids("", n), dice.log_uniform(2, 8, k))
    people["api"], people["rhythm"] = True, ANY
    room = rings.each(0.75 * setting.end / np.bincount(rings.ring))
    span = np.minimum(people["span"].to_numpy(), np.minimum(room, 1.9 * DAY))
    gap = dice.lognormal(rings.each(dice.log_uniform(4, 60, k)), 0.5, n) + 12
    turn = span + gap
    before = np.cumsum(turn) - turn
    begin = rings.each(dice.rng.uniform(0.1, 0.24, k) * setting.end)
    people["span"] = span
    people["start"] = begin + before - before[rings.heads][rings.ring]
    people["created"] = people["start"] - dice.log_uniform(0.02, 5, n) * DAY
    people["limit_hits"] = 1 + dice.rng.poisson(1.0, n)
    people["spend"] = people["grant"] * dice.rng.uniform(0.93, 1.0, n)
    people["email"] = mails.named(dice, rings.ring, mails.HIDDEN)
    return live(dice, setting, people)


def rebound(dice: Dice, setting: Setting, n: int) -> Scene:
    """Banned in part, back within days under new names with what is left."""
    rings = gather(dice, setting, n, "rebound")
    people, k = rings.people, rings.count
    hide(dice, setting, rings)
    device_or_card_pool(dice, rings)
    people["email"] = mails.named(dice, rings.ring, (*mails.OPEN, *mails.HIDDEN))
    again = rings.place >= rings.each(np.bincount(rings.ring)) * 0.5
    ban = rings.each(dice.rng.uniform(0.25, 0.6, k) * setting.end)
    first = np.minimum(people["created"], ban - 2 * DAY * dice.rng.random(n) - DAY)
    wait = rings.each(dice.log_uniform(0.2, 8, k)) * DAY
    later = ban + wait + dice.log_uniform(0.01, 5, n) * DAY
    people["created"] = np.where(again, later, first)
    people["start"] = people["created"] + dice.lognormal(900, 1.0, n)
    people["closed"] = np.where(again, np.nan, ban + dice.rng.uniform(0, 600, n))
    people["close_reason"] = np.where(again, "", "banned_abuse").astype(object)
    scene = live(dice, setting, people)
    cut_off(scene, scene.accounts.set_index("account_id")["closed"])
    banned = scene.accounts[~again]
    scene.tell(
        "account.reviewed",
        pd.DataFrame(
            {
                "account_id": banned["account_id"],
                "t": banned["closed"],
                "verdict": "abusive",
                "reviewer": "trust-desk",
            }
        ),
    )
    return scene


def _partner(rings: Ring) -> Ints:
    """Whose card an account of a chain uses: the one before it, every other time."""
    row = np.arange(rings.ring.size)
    return np.where(rings.place == 0, row, row - (rings.place + 1) % 2)
