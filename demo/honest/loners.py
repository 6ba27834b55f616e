"""Honest people who share nothing but look odd one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo import names
from demo.dice import Dice, Texts
from demo.hours import ANY, DAY, HOUR, OFFICE, WAKING
from demo.people import adjust, establish, ordinary, paying
from demo.scene import Scene, cut_off, live
from demo.setting import Setting

Span = tuple[float, float]


def quiet_trialist(dice: Dice, setting: Setting, n: int) -> Scene:
    """People who try once and leave: one sitting, little used, never seen again."""
    people = ordinary(dice, setting, n, "quiet_trialist")
    people["spend"] = people["grant"] * dice.rng.beta(0.5, 5, n)
    people["span"] = dice.log_uniform(90, 2 * DAY, n)
    people["events"] = dice.lognormal(0.15, 0.8, n)
    people["sessions"] = dice.rng.integers(1, 3, n)
    return live(dice, setting, people)


def whole_trialist(dice: Dice, setting: Setting, n: int) -> Scene:
    """People who use up what was offered and do not buy: their good right."""
    people = ordinary(dice, setting, n, "whole_trialist")
    people["spend"] = people["grant"] * dice.rng.uniform(0.8, 1.01, n)
    people["span"] = dice.log_uniform(0.1, 25, n) * DAY
    people["events"] = dice.lognormal(0.7, 0.7, n)
    people["limit_hits"] = dice.rng.poisson(0.8, n)
    return live(dice, setting, people)


def regular(dice: Dice, setting: Setting, n: int) -> Scene:
    """Paying customers, most of them here for long."""
    people = ordinary(dice, setting, n, "regular")
    _mostly_old(dice, setting, people, 0.65)
    paying(dice, people, dice.lognormal(25.0, 1.2, n))
    people["span"] = np.maximum(setting.end - people["start"], HOUR)
    people["events"] = dice.lognormal(2.2, 0.7, n)
    return live(dice, setting, people)


def power_user(dice: Dice, setting: Setting, n: int) -> Scene:
    """Paying customers at a hundred times the usual volume."""
    people = ordinary(dice, setting, n, "power_user")
    _mostly_old(dice, setting, people, 0.8)
    paying(dice, people, dice.lognormal(2500.0, 0.6, n), prepaid=0.0)
    people["topup"] = 500.0
    people["events"] = dice.lognormal(9.0, 0.4, n)
    people["requests"] = dice.log_uniform(2, 40, n)
    people["api"] = True
    people["rhythm"] = dice.pick((ANY, OFFICE, WAKING), n, (4, 3, 2))
    people["span"] = np.maximum(setting.end - people["start"], DAY)
    return live(dice, setting, people)


def vpn_user(dice: Dice, setting: Setting, n: int) -> Scene:
    """People behind commercial VPN exits, another one every few hours or days."""
    people = ordinary(dice, setting, n, "vpn_user")
    _behind(dice, setting, people, "vpn", (2 * HOUR, 6 * DAY))
    return live(dice, setting, _mixed_fortunes(dice, setting, people))


def relay_user(dice: Dice, setting: Setting, n: int) -> Scene:
    """People behind a browser's privacy relay, many with relayed mail too."""
    people = ordinary(dice, setting, n, "relay_user")
    _behind(dice, setting, people, "relay", (HOUR, DAY))
    phones = setting.clients.phones
    people["browser"] = phones[dice.index(9, n)]
    adjust(people, dice.chance(0.5, n), email=_masked(dice, n, names.RELAYS[:1]))
    return live(dice, setting, _mixed_fortunes(dice, setting, people))


def mobile_user(dice: Dice, setting: Setting, n: int) -> Scene:
    """People behind carrier-grade NAT: hundreds an address, which changes hourly."""
    people = ordinary(dice, setting, n, "mobile_cgnat")
    people["net"] = setting.nets(dice, "mobile", people["country"].to_numpy())
    people["lease"] = dice.log_uniform(0.5, 12, n) * HOUR
    people["server_net"] = np.where(dice.chance(0.85, n), -1, people["server_net"])
    phones = setting.clients.phones
    people["browser"] = phones[dice.index(phones.size, n)]
    return live(dice, setting, _mixed_fortunes(dice, setting, people))


def privacy_mail(dice: Dice, setting: Setting, n: int) -> Scene:
    """People who hide their mail address behind a privacy or relay provider."""
    people = ordinary(dice, setting, n, "privacy_mail")
    people["email"] = names.at(
        dice, people["country"].to_numpy(), dice.pick(names.PRIVATE, n)
    )
    adjust(people, dice.chance(0.5, n), email=_masked(dice, n, names.RELAYS))
    return live(dice, setting, _mixed_fortunes(dice, setting, people))


def traveller(dice: Dice, setting: Setting, n: int) -> Scene:
    """People on the road: another country's network every few days."""
    people = ordinary(dice, setting, n, "traveller")
    people["net"] = setting.networks.proxy
    people["lease"] = dice.log_uniform(1, 9, n) * DAY
    people["net2"] = setting.networks.roam
    people["share2"] = 0.4
    people["span"] = dice.log_uniform(8, 50, n) * DAY
    people["sessions"] = dice.rng.integers(4, 14, n)
    return live(dice, setting, _mixed_fortunes(dice, setting, people))


def prepaid_country(dice: Dice, setting: Setting, n: int) -> Scene:
    """Paying customers of countries where prepaid cards are the usual ones."""
    people = ordinary(dice, setting, n, "prepaid_country")
    people["country"] = dice.pick(("NG", "KE", "ID", "VN", "IN"), n)
    country = people["country"].to_numpy()
    people["email"] = names.personal(dice, country)
    people["net"] = setting.nets(dice, "home", country)
    people["tz"] = setting.zones(country)
    paying(dice, people, dice.lognormal(12.0, 0.9, n), prepaid=0.8)
    adjust(people, dice.chance(0.15, n), cvc_check="fail")
    people["decline_share"] = dice.rng.uniform(0.05, 0.35, n)
    people["span"] = dice.log_uniform(3, 50, n) * DAY
    return live(dice, setting, people)


def viral_launch(dice: Dice, setting: Setting, n: int) -> Scene:
    """Everybody hears of a launch within two days, all over the world."""
    people = ordinary(dice, setting, n, "viral_launch")
    day = dice.rng.uniform(0.15, 0.8) * setting.end
    people["created"] = day + 2 * DAY * dice.rng.beta(1.2, 2.5, n)
    people["start"] = people["created"] + dice.lognormal(900.0, 1.5, n)
    people["referral_code"] = setting.codes[0]
    people["span"] = dice.log_uniform(120, 6 * DAY, n)
    people["events"] = dice.lognormal(0.4, 0.9, n)
    return live(dice, setting, people)


def friendly_fraud(dice: Dice, setting: Setting, n: int) -> Scene:
    """Real customers who used what they paid for and dispute it nevertheless."""
    people = ordinary(dice, setting, n, "friendly_fraud")
    _mostly_old(dice, setting, people, 0.6)
    paying(dice, people, dice.lognormal(40.0, 0.9, n))
    people["dispute_share"] = 1.0
    people["warn_share"] = dice.rng.uniform(0, 0.4)
    people["dispute_lag"] = dice.lognormal(25 * DAY, 0.5, n)
    people["span"] = np.maximum(setting.end - people["start"], HOUR)
    people["events"] = dice.lognormal(1.8, 0.6, n)
    return live(dice, setting, people)


def popular_device(dice: Dice, setting: Setting, n: int) -> Scene:
    """People whose device looks like thousands of others to a script."""
    people = ordinary(dice, setting, n, "popular_device")
    pool = setting.popular_devices
    weights = 1.0 / np.arange(1, pool.size + 1)
    people["device_id"] = dice.pick(list(pool), n, list(weights))
    people["device_scheme"] = "fpjs-4"
    return live(dice, setting, _mixed_fortunes(dice, setting, people))


def resignup(dice: Dice, setting: Setting, n: int) -> Scene:
    """People who close their account and, weeks later, open another one."""
    half = max(1, n // 2)
    before = ordinary(dice, setting, half, "resignup")
    before["created"] = setting.end * dice.rng.uniform(-1.5, 0.5, half)
    before["start"] = np.maximum(before["created"] + HOUR, dice.rng.random(half) * DAY)
    before["span"] = dice.log_uniform(2, 15, half) * DAY
    before["closed"] = before["start"] + before["span"] + DAY
    before["close_reason"] = "user_request"
    after = before.assign(
        account_id=dice.ids("acc_", half, 14),
        created=before["closed"] + dice.log_uniform(1, 20, half) * DAY,
        closed=np.nan,
        close_reason="",
        same_mail=True,
        salt=np.where(dice.chance(0.7, half), before["salt"], dice.salts(half)),
    )
    after["created"] = after["created"].clip(upper=setting.end - DAY)
    after["start"] = after["created"] + dice.lognormal(HOUR, 1.0, half)
    # Whoever comes back comes to stay: half of them buy, few get a second trial.
    adjust(after, dice.chance(0.7, half), grant=0.0)
    buys = (after["grant"] == 0) | dice.chance(0.3, half)
    bought = after[buys].copy()
    paying(dice, bought, dice.lognormal(15.0, 0.8, len(bought)))
    people = pd.concat([before, bought, after[~buys]], ignore_index=True)
    scene = live(dice, setting, people)
    cut_off(scene, people.set_index("account_id")["closed"])
    return scene


def _mostly_old(
    dice: Dice, setting: Setting, people: pd.DataFrame, share: float
) -> None:
    old = dice.chance(share, len(people))
    aged = people.copy()
    establish(dice, setting, aged)
    for name in ("created", "start", "span", "sessions"):
        adjust(people, old, **{name: aged[name]})


def _behind(
    dice: Dice, setting: Setting, people: pd.DataFrame, kind: str, leases: Span
) -> None:
    n = len(people)
    people["net"] = setting.nets(dice, kind, people["country"].to_numpy())
    people["lease"] = dice.log_uniform(*leases, n)
    people["lease"] = dice.log_uniform(*leases, n)
    people["share2"] = people["share2"] * 0.3


def _masked(dice: Dice, n: int, domains: tuple[str, ...]) -> Texts:
    width = int(dice.rng.integers(8, 13))
    return np.asarray(names.random_locals(dice, n, width) + "@" + dice.pick(domains, n))


def _mixed_fortunes(dice: Dice, setting: Setting, people: pd.DataFrame) -> pd.DataFrame:
    """A quarter buys, some use the whole trial, most use a part of it."""
    n = len(people)
    fate = dice.index(4, n, (5, 2, 1, 2))
    adjust(people, fate == 1, spend=people["grant"] * 0.95)
    adjust(people, fate == 2, span=dice.log_uniform(120, DAY, n))
    bought = people[fate == 3].copy()
    paying(dice, bought, dice.lognormal(18.0, 1.0, len(bought)))
    bought["span"] = np.maximum(setting.end - bought["start"], HOUR)
    bought["events"] *= 2
    joined: pd.DataFrame = pd.concat([people[fate != 3], bought], ignore_index=True)
    return joined
