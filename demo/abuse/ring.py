"""One operator, many accounts: what the members of a ring have in common.

Each ring draws its own habits from wide distributions, so that no single number
describes rings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo import cards
from demo.dice import Dice, Floats, Ints
from demo.hours import ANY, DAY, HOUR, NIGHT, WAKING
from demo.people import POSTPAID, adjust, ordinary
from demo.setting import Setting


@dataclass
class Ring:
    """Accounts of several rings: the frame, each row's ring, each ring's first row."""

    people: pd.DataFrame
    ring: Ints
    heads: Ints

    def each(self, values: Any) -> NDArray[Any]:
        """Spread one value a ring over its accounts."""
        return np.asarray(np.asarray(values)[self.ring])

    @property
    def place(self) -> Ints:
        """Return each account's number within its ring, from 0."""
        return np.asarray(np.arange(self.ring.size) - self.heads[self.ring])

    @property
    def count(self) -> int:
        """Return how many rings there are."""
        return int(self.heads.size)


def gather(dice: Dice, setting: Setting, n: int, level: str) -> Ring:
    """Return `n` accounts in rings with one operator's habits each, nothing shared.

    Rings have 5 to a few hundred members. They differ in pace, in software, in what
    they consume and in how much of the credit they use.
    """
    people = ordinary(dice, setting, n, level)
    ring = _sizes(dice, n)
    rings = Ring(people, ring, np.flatnonzero(np.r_[True, ring[1:] != ring[:-1]]))
    k = rings.count
    people["case"], people["level"], people["abusive"] = (
        "disposable_signup",
        level,
        True,
    )
    people["ring_id"] = rings.each(dice.ids("ring_", k, 10))
    pace(dice, setting, rings, dice.log_uniform(40, 6 * HOUR, k))
    _software(dice, setting, rings)
    low = dice.rng.uniform(0.5, 0.97, k)
    people["spend"] = people["grant"] * dice.rng.uniform(
        rings.each(low),
        rings.each(np.minimum(low + dice.rng.uniform(0.02, 0.4, k), 1.0)),
    )
    people["span"] = (
        rings.each(dice.log_uniform(0.02, 9, k))
        * DAY
        * dice.lognormal(1.0, rings.each(dice.log_uniform(0.05, 0.8, k)), n)
    )
    people["events"] = rings.each(dice.lognormal(0.7, 0.6, k)) * dice.lognormal(
        1, 0.3, n
    )
    people["limit_hits"] = dice.rng.poisson(rings.each(dice.log_uniform(0.2, 3, k)))
    people["sessions"] = dice.rng.integers(1, 4, n)
    people["says_paid_by"] = rings.each(dice.chance(0.88, k))
    people["phone"] = np.where(dice.chance(0.3, n), people["phone"], "")
    functions = rings.each(dice.chance(0.2, k))
    people["server_net"] = np.where(functions, setting.networks.fleet, -1)
    people["server_lease"] = rings.each(dice.log_uniform(0.1, 48, k)) * HOUR
    return rings


def _sizes(dice: Dice, n: int) -> Ints:
    """Ring numbers, a row each: sizes log-normal, five at least."""
    top = min(400, max(6, n // 2))
    sizes = np.clip(dice.lognormal(16.0, 0.8, n // 5 + 1), 5, top).astype(int)
    ring = np.repeat(np.arange(sizes.size), sizes)[:n]
    # A rest too small to be a ring belongs to the ring before it.
    short = np.bincount(ring)[-1] < 5 and ring[-1] > 0
    return np.where(ring == ring[-1], ring[-1] - short, ring)


def pace(dice: Dice, setting: Setting, rings: Ring, gap: Floats) -> None:
    """Set sign-up times: gaps around the ring's own, cut so that they fit the log."""
    n = rings.ring.size
    size = np.bincount(rings.ring)
    gap = np.minimum(gap, 0.85 * setting.end / size)
    sigma = rings.each(dice.log_uniform(0.1, 1.5, rings.count))
    steps = rings.each(gap) * dice.lognormal(1.0, sigma, n)
    run = np.cumsum(steps)
    since = run - run[rings.heads][rings.ring]
    whole = since[np.r_[rings.heads[1:] - 1, n - 1]]
    fit = np.minimum(1.0, 0.9 * setting.end / np.maximum(whole, 1.0))
    room = setting.end * 0.95 - whole * fit
    begin = dice.rng.uniform(0, 1, rings.count) * np.maximum(room, 0)
    rings.people["created"] = rings.each(begin) + since * rings.each(fit) + 60
    delay = rings.each(dice.log_uniform(30, 2 * HOUR, rings.count))
    wait = dice.lognormal(delay, 0.5, n)
    rings.people["start"] = rings.people["created"] + wait


def _software(dice: Dice, setting: Setting, rings: Ring) -> None:
    """One operator, one program: client, prompt, models, gaps are the ring's own."""
    people, k, clients = rings.people, rings.count, setting.clients
    odd = dice.chance(0.5, k)
    people["client"] = rings.each(
        np.where(
            odd,
            clients.odd[dice.index(clients.odd.size, k)],
            clients.sdks[dice.index(clients.sdks.size, k)],
        )
    )
    own = clients.browsers[dice.index(clients.browsers.size, k)]
    mixed = rings.each(dice.chance(0.3, k))
    people["browser"] = np.where(mixed, people["browser"], rings.each(own))
    people["habit"] = rings.each(dice.index(len(setting.habits.models), k))
    people["ratio"] = rings.each(dice.log_uniform(0.02, 6, k))
    people["evenness"] = rings.each(dice.log_uniform(0.5, 12, k))
    people["burn"] = rings.each(dice.log_uniform(0.4, 2.5, k))
    people["rhythm"] = rings.each(dice.pick((ANY, WAKING, NIGHT), k, (4, 2, 1)))
    popular = setting.popular_prompts[dice.index(setting.popular_prompts.size, k)]
    prompt = np.where(dice.chance(0.65, k), dice.salts(k), popular)
    seen = rings.each(dice.chance(setting.prompt_share, k))
    people["prompt"] = np.where(seen, rings.each(prompt), -1)
    people["api"] = rings.each(dice.chance(0.8, k))
    people["method"] = rings.each(dice.pick(("password", "google"), k, (4, 1)))
    people["mfa"] = False
    said = rings.each(dice.chance(0.85, k)).astype(bool)
    people["says_agent"] = people["says_hello"] = said


def hide(dice: Dice, setting: Setting, rings: Ring) -> None:
    """Take addresses from residential proxies, clouds or exits, one a lease."""
    people, k = rings.people, rings.count
    nets = setting.networks
    vpn = int(nets.of("vpn")[dice.index(nets.of("vpn").size, 1)[0]])
    way = dice.pick((nets.proxy, nets.proxy, nets.fleet, nets.roam, vpn), k)
    people["net"] = people["net2"] = rings.each(way)
    people["lease"] = rings.each(dice.log_uniform(0.05, 72, k)) * HOUR
    people["lease2"] = people["lease"]


def pool(dice: Dice, rings: Ring, name: str, values: object, per: Floats) -> None:
    """Share values within a ring: about `per` accounts to each, drawn at random."""
    size = np.bincount(rings.ring)
    many = np.maximum(1, np.round(size / per)).astype(int)
    slot = np.floor(dice.rng.random(rings.ring.size) * many[rings.ring]).astype(int)
    rings.people[name] = np.asarray(values)[rings.heads[rings.ring] + slot]


def device_or_card_pool(dice: Dice, rings: Ring) -> None:
    k = rings.count
    by_card = rings.each(dice.chance(0.35, k)).astype(bool)
    fresh = rings.people["device_id"].to_numpy()
    n = rings.ring.size
    pool(dice, rings, "device_id", dice.ids("", n), dice.log_uniform(3, 60, k))
    adjust(rings.people, by_card, device_id=fresh)
    adjust(rings.people, ~by_card, device_scheme="fpjs-4", second_device="")
    size = np.bincount(rings.ring)
    many = np.maximum(1, np.round(size / dice.log_uniform(3, 40, k))).astype(int)
    slot = np.floor(dice.rng.random(n) * many[rings.ring]).astype(int)
    add_cards(dice, rings, np.where(by_card, rings.heads[rings.ring] + slot, -1))


def add_cards(dice: Dice, rings: Ring, holder: Ints) -> None:
    """Add the card of row `holder` to unlock the trial; -1 adds none."""
    people = rings.people
    issued = cards.issue(dice, people["country"].to_numpy(), prepaid=0.4)
    adds = holder >= 0
    for name in cards.COLUMNS:
        adjust(people, adds, **{name: issued[name].to_numpy()[holder]})
    at = people["created"] + dice.lognormal(300, 1.0, holder.size)
    adjust(people, adds, pay=POSTPAID, pm_at=at)
