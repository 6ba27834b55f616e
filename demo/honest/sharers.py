"""Honest people who share a network, a device, a card, a name or an occasion."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo import cards, names
from demo.clients import device_ids
from demo.dice import Dice, Flags, Ints, Texts, digits
from demo.hours import DAY, HOUR, WAKING, in_rhythm
from demo.people import adjust, ordinary, paying
from demo.scene import Scene, live
from demo.setting import Setting


def campus(dice: Dice, setting: Setting, n: int) -> Scene:
    """Students behind a few campus addresses, many of them new in the same weeks."""
    people = ordinary(dice, setting, n, "campus_nat")
    nets = setting.networks.of("campus")
    here = min(nets.size, max(1, n // 60))
    place = dice.index(here, n, list(1.0 / np.arange(1, here + 1)))
    people["net"] = nets[place]
    people["lease"] = dice.log_uniform(2, 48, n) * HOUR
    people["share2"] = dice.rng.beta(2, 4, n)
    mail = names.at(
        dice,
        people["country"].to_numpy(),
        np.array(names.UNIVERSITIES, dtype=object)[place],
    )
    adjust(people, dice.chance(0.7, n), email=mail)
    term = dice.rng.uniform(0.1, 0.8) * setting.end
    freshers = np.clip(
        term + dice.rng.standard_normal(n) * 4 * DAY, 0, setting.end - DAY
    )
    adjust(people, dice.chance(0.5, n), created=freshers)
    people["start"] = people["created"] + dice.lognormal(HOUR, 1.5, n)
    adjust(people, dice.chance(0.2, n), spend=people["grant"] * 0.97)
    return live(dice, setting, people)


def household(dice: Dice, setting: Setting, n: int) -> Scene:
    """Families and flats of two to six: one line, often one card, one computer."""
    people = ordinary(dice, setting, n, "household")
    home = dice.groups(n, 2, 6)
    homes = int(home[-1]) + 1
    _at_home(people, home)
    together = dice.chance(0.3, homes)[home]
    begin = people["created"].to_numpy()[_heads(home)][home]
    apart = np.where(together, dice.log_uniform(0.02, 3, n), dice.log_uniform(1, 40, n))
    people["created"] = np.minimum(begin + apart * DAY, setting.end - DAY)
    people["start"] = people["created"] + dice.lognormal(HOUR, 2.0, n)
    family = dice.chance(0.7, homes)[home]
    adjust(people, family, email=_surnamed(dice, people, home))
    _share_device(people, home, dice.chance(0.35, homes)[home])
    buys = dice.chance(0.45, n)
    bought = people[buys].copy()
    paying(dice, bought, dice.lognormal(15.0, 0.9, int(buys.sum())))
    bought["span"] = np.maximum(setting.end - bought["start"], HOUR)
    _share_card(bought, home[buys], dice.chance(0.6, homes)[home[buys]])
    adjust(people, dice.chance(0.25, n), spend=people["grant"] * 0.96)
    return live(dice, setting, pd.concat([people[~buys], bought]))


def relatives(dice: Dice, setting: Setting, n: int) -> Scene:
    """People whose addresses differ by a digit because they bear the same name."""
    people = ordinary(dice, setting, n, "relatives")
    kin = dice.groups(n, 2, 4)
    heads = _heads(kin)
    people["country"] = people["country"].to_numpy()[heads][kin]
    country = people["country"].to_numpy()
    people["tz"] = setting.zones(country)
    people["net"] = setting.nets(dice, "home", country[heads])[kin]
    first, last = names.names(dice, country[heads])
    year = dice.rng.integers(60, 99, heads.size)[kin] + np.arange(n) - heads[kin]
    domain = dice.pick(names.FREE, heads.size)[kin]
    same = first[kin] + "." + last[kin]
    people["email"] = same + digits(year % 100, 2) + "@" + domain
    return live(dice, setting, people)


def hackathon(dice: Dice, setting: Setting, n: int) -> Scene:
    """Hundreds sign up within three hours behind one address with one invitation."""
    people = ordinary(dice, setting, n, "hackathon")
    event = dice.groups(n, min(n, int(np.clip(n // 4, 25, 250))), min(n, 500))
    heads = _heads(event)
    country = people["country"].to_numpy()[heads]
    people["net"] = setting.nets(dice, "home", country)[event]
    people["salt"] = people["salt"].to_numpy()[heads][event]
    people["lease"] = 400 * DAY
    people["tz"] = setting.zones(country)[event]
    day = np.floor(dice.rng.uniform(0.1, 0.9, heads.size) * setting.days)[event]
    people["created"] = (
        (day + 0.4) * DAY - people["tz"] * HOUR + 3 * HOUR * dice.rng.beta(1.3, 3, n)
    ).clip(lower=60.0)
    people["start"] = people["created"] + dice.lognormal(0.4 * HOUR, 1.0, n)
    people["referral_code"] = dice.ids("ref-", heads.size, 6)[event]
    people["span"] = dice.log_uniform(0.1, 2, n) * DAY
    people["events"] = dice.lognormal(0.8, 0.6, n)
    people["spend"] = people["grant"] * dice.rng.beta(1.2, 1.5, n)
    people["share2"] = 0.2
    people["server_net"] = -1
    adjust(people, dice.chance(0.2, n), span=dice.log_uniform(5, 40, n) * DAY)
    # They all try the sponsor's model.
    people["habit"] = people["habit"].to_numpy()[heads][event]
    return live(dice, setting, people)


def lab_library(dice: Dice, setting: Setting, n: int) -> Scene:
    """Public computers: one device and one line, a new user every hour."""
    people = ordinary(dice, setting, n, "lab_library")
    room = dice.groups(n, 12, 70)
    _at_home(people, room)
    _share_device(people, room, np.ones(n, dtype=bool))
    fresh = device_ids(dice, np.full(n, "fpjs-4", dtype=object))
    adjust(people, dice.chance(0.15, n), device_id=fresh)
    people["share2"] = dice.rng.beta(1, 2, n)
    people["server_net"] = -1
    t = in_rhythm(
        dice, people["created"].to_numpy(), np.full(n, WAKING), people["tz"].to_numpy()
    )
    people["created"] = t.clip(60, setting.end - DAY)
    people["start"] = people["created"] + dice.lognormal(600, 1.0, n)
    return live(dice, setting, people)


def agency(dice: Dice, setting: Setting, n: int) -> Scene:
    """Agencies that keep an account for each client: one device, one card."""
    people = ordinary(dice, setting, n, "agency")
    firm = dice.groups(n, 5, min(50, max(6, n // 4)))
    heads = _heads(firm)
    _at_home(people, firm)
    _share_device(people, firm, np.ones(n, dtype=bool))
    people["browser"] = people["browser"].to_numpy()[heads][firm]
    people["created"] = np.minimum(
        people["created"].to_numpy()[heads][firm] * 0.6
        + dice.log_uniform(0.05, 50, n) * DAY,
        setting.end - 2 * DAY,
    )
    people["start"] = people["created"] + dice.lognormal(5 * HOUR, 1.2, n)
    people["tenant_id"] = dice.ids("org_", n, 12)
    people["email"] = "hello@" + names.companies(dice, n)
    role = dice.pick(("ai", "bots", "clients", "dev"), heads.size)[firm]
    house = names.companies(dice, heads.size)[firm]
    tagged = role + "+" + digits(np.arange(n)) + "@" + house
    adjust(people, dice.chance(0.4, n), email=tagged)
    paying(dice, people, dice.lognormal(35.0, 1.0, n))
    _share_card(people, firm, np.ones(n, dtype=bool))
    people["grant"] = np.where(dice.chance(0.5, n), people["grant"], 0.0)
    people["api"], people["says_account"] = True, True
    people["span"] = np.maximum(setting.end - people["start"], DAY)
    scene = live(dice, setting, people)
    scene.tenants = pd.DataFrame(
        {
            "tenant_id": people["tenant_id"],
            "drained": False,
            "culprit_type": "",
            "culprit": "",
            "population": "agency",
        }
    )
    return scene


def _heads(group: Ints) -> Ints:
    """Return the row of the first member of each group."""
    return np.flatnonzero(np.r_[True, group[1:] != group[:-1]])


def _at_home(people: pd.DataFrame, home: Ints) -> None:
    heads = _heads(home)
    for name in ("country", "tz", "net", "salt", "lease"):
        people[name] = people[name].to_numpy()[heads][home]


def _share_device(people: pd.DataFrame, group: Ints, who: Flags) -> None:
    heads = _heads(group)
    for name in ("device_id", "device_scheme", "second_device"):
        adjust(people, who, **{name: people[name].to_numpy()[heads][group]})


def _share_card(people: pd.DataFrame, group: Ints, who: Flags) -> None:
    _, place = np.unique(group, return_index=True)
    head = place[np.searchsorted(np.unique(group), group)]
    for name in cards.COLUMNS:
        adjust(people, who, **{name: people[name].to_numpy()[head]})


def _surnamed(dice: Dice, people: pd.DataFrame, home: Ints) -> Texts:
    heads = _heads(home)
    country = people["country"].to_numpy()
    first, _ = names.names(dice, country)
    _, last = names.names(dice, country[heads])
    joint = dice.pick((".", "", "_"), len(people))
    year = digits(dice.rng.integers(0, 99, len(people)))
    tail = np.where(dice.chance(0.5, len(people)), year, "").astype(object)
    return np.asarray(
        first + joint + last[home] + tail + "@" + dice.pick(names.FREE, len(people))
    )
