"""Who lives in a world, and how many of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from demo.abuse import cardings, drains, leaks, rings
from demo.dice import Dice
from demo.honest import callers, loners, offices, sharers
from demo.honest.framed import framed
from demo.oddments import befriend, oddments
from demo.scene import Scene, join
from demo.setting import Setting
from demo.shape import Shape

Population = Callable[[Dice, Setting, int], Scene]

HONEST: Final[Mapping[Population, float]] = {
    loners.whole_trialist: 9.0,
    loners.regular: 8.0,
    loners.power_user: 1.0,
    loners.vpn_user: 3.0,
    loners.relay_user: 1.6,
    loners.mobile_user: 5.0,
    loners.privacy_mail: 2.0,
    loners.traveller: 1.2,
    loners.prepaid_country: 1.8,
    loners.viral_launch: 4.0,
    loners.friendly_fraud: 0.8,
    loners.popular_device: 2.0,
    loners.resignup: 1.2,
    sharers.campus: 4.5,
    sharers.household: 4.0,
    sharers.relatives: 1.2,
    sharers.hackathon: 2.4,
    sharers.lab_library: 1.4,
    sharers.agency: 1.8,
    offices.corporate: 4.5,
    offices.nightly_batch: 0.9,
    offices.dominant: 0.9,
    offices.product_launch: 0.9,
    offices.dev_team: 1.0,
    callers.ci_serverless: 1.0,
    callers.load_test: 0.5,
    callers.key_rotation: 0.7,
    callers.cloud_migration: 0.7,
    callers.tutorial_key: 1.0,
    callers.contractor: 0.4,
    callers.decoys: 0.2,
    callers.validated: 0.2,
    callers.revoked_first: 0.2,
}
"""Accounts of each population among a hundred honest ones, about.

The rest are quiet trialists, the largest population of all.
"""

RINGS: Final[Mapping[str, tuple[Population, float]]] = {
    "naive": (rings.naive, 1.2),
    "proxied": (rings.proxied, 1.4),
    "chained": (rings.chained, 1.0),
    "reset": (rings.reset, 1.0),
    "slow": (rings.slow, 0.9),
    "stealth": (rings.stealth, 1.2),
    "aged": (rings.aged, 0.8),
    "handoff": (rings.handoff, 0.7),
    "rebound": (rings.rebound, 0.7),
    "shared_card": (cardings.shared_card, 0.9),
    "card_testing": (cardings.card_testing, 0.7),
    "bin_run": (cardings.bin_run, 0.6),
    "drain_silence": (cardings.drain_silence, 0.9),
}
"""What abusive accounts do, and how often against each other."""

VICTIMS: Final[Mapping[str, tuple[Population, float]]] = {
    "replay": (leaks.replay, 0.06),
    "exposure": (leaks.exposure, 0.05),
    "member": (drains.member, 0.11),
    "sub_key": (drains.sub_key, 0.09),
    "end_user": (drains.end_user, 0.08),
    "resale": (drains.resale, 0.07),
}
"""Accounts that keys are stolen from or whose tenants are drained, for each abusive
account."""

_SMALLEST_RING: Final = 5
_FEWEST: Final = 4
"""Accounts of a population in the smallest of worlds."""


def cast(setting: Setting, abusive_share: float, shape: Shape) -> Scene:
    """Return everybody and everything of a world, exactly as many accounts as asked."""
    abusive = round(setting.accounts * abusive_share)
    guilty = [*_victims(setting, abusive, shape)]
    inside = sum(int(scene.accounts["abusive"].sum()) for scene in guilty)
    thieves = join(_thieves(setting, max(abusive - inside, 0), shape))
    count = round(setting.accounts * shape.framed)
    taken = count + sum(len(scene.accounts) for scene in (*guilty, thieves))
    scenes = [*guilty, thieves, *_honest(setting, setting.accounts - taken)]
    if count and len(thieves.accounts):
        dice = setting.dice("framed")
        scenes.append(framed(dice, setting, count, thieves.accounts))
    rest = setting.accounts - sum(len(scene.accounts) for scene in scenes)
    if rest < 1:
        raise ValueError(
            f"{setting.accounts} accounts leave no room for honest people beside "
            f"an abusive share of {abusive_share}: ask for more or for a smaller share"
        )
    quiet = loners.quiet_trialist(setting.dice("quiet_trialist"), setting, rest)
    whole = join([*scenes, quiet])
    befriend(setting.dice("friends"), setting, whole.accounts)
    return join([whole, oddments(setting.dice("oddments"), setting, whole)])


def _honest(setting: Setting, room: int) -> list[Scene]:
    found = []
    whole = room / 0.9
    for population, weight in HONEST.items():
        n = max(_FEWEST, round(whole * weight / 100))
        found.append(population(setting.dice(population.__name__), setting, n))
    return found


def _thieves(setting: Setting, n: int, shape: Shape) -> list[Scene]:
    """Divide `n` accounts among the levels; with few of them some levels stay away."""
    levels = [level for level in RINGS if level in shape.levels]
    room = n // _SMALLEST_RING
    if not levels or not room:
        return []
    order = setting.dice("levels").rng.permutation(len(levels))[:room]
    chosen = [levels[i] for i in sorted(order)]
    weight = np.array([RINGS[level][1] for level in chosen])
    extra = n - _SMALLEST_RING * len(chosen)
    upto = np.round(np.cumsum(weight) / weight.sum() * extra).astype(int)
    sizes = _SMALLEST_RING + np.diff(upto, prepend=0)
    return [
        RINGS[level][0](setting.dice(level), setting, int(size))
        for level, size in zip(chosen, sizes, strict=True)
    ]


def _victims(setting: Setting, abusive: int, shape: Shape) -> list[Scene]:
    found = []
    for level, (population, share) in VICTIMS.items():
        n = round(abusive * share)
        if level in shape.levels and n >= _SMALLEST_RING:
            found.append(population(setting.dice(level), setting, n))
    return found
