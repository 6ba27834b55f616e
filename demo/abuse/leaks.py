"""Keys in foreign hands: replayed in silence, or found where they leaked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from demo.dice import Dice, Flags, Floats, Ints, Texts
from demo.hours import ANY, DAY, HOUR, MINUTE, NIGHT
from demo.people import INVOICE, NEVER, establish, ordinary, paying
from demo.scene import Scene, join, live, rotate, streams
from demo.setting import Setting
from demo.usage import CARD
from demo.usage import INVOICE as BY_INVOICE

_PLACES = ("github.com", "gist.github.com", "pypi.org", "npmjs.com", "pastebin.com",
           "hub.docker.com", "gitlab.com", "huggingface.co")  # fmt: skip

Period = tuple[Floats, Floats]


@dataclass(frozen=True)
class Crews:
    """Who replays: each key's crew and each crew's tools and hosts."""

    crew: Ints
    name: Texts
    net: Ints
    hosts: Ints
    client: Ints
    habit: Ints
    prompt: Ints
    ratio: Floats
    recon: Floats
    evenness: Floats
    hosted: Ints
    lease: Floats


def replay(dice: Dice, setting: Setting, n: int) -> Scene:
    """Keys stolen without a report: crews use them beside their owners."""
    scene = owners(dice, setting, n, "replay_owner")
    begin = dice.rng.uniform(0.1, 0.85, n) * setting.end
    length = dice.log_uniform(0.15, 25, n) * DAY
    stop = np.minimum(begin + length, setting.end)
    keys = scene.keys
    keys["replayed"], keys["first_abuse_at"] = True, begin
    keys["population"] = "replay"
    crews = _crews(dice, setting, n)
    keys["crew_id"] = crews.name[crews.crew]
    # Some owners notice by the bill and revoke; some thefts are reported much later.
    noticed = dice.chance(0.35, n)
    revoked = stop + dice.lognormal(6 * HOUR, 1.0, n)
    keys["revoked"] = np.where(noticed, revoked, NEVER)
    keys["revoke_reason"] = np.where(noticed, "compromised", "").astype(object)
    late = dice.chance(0.15, n)
    report = begin + dice.log_uniform(1, 20, n) * DAY
    _reported(dice, keys, late, report, report - dice.lognormal(HOUR, 1.0, n))
    foreign = _foreign(dice, setting, scene, crews, (begin, stop))
    rotate(dice, setting, scene, keys["revoked"].to_numpy())
    return join([scene, Scene(streams=foreign)])


def exposure(dice: Dice, setting: Setting, n: int) -> Scene:
    """Keys found in public: probed within minutes, then drained, revoked or left."""
    scene = owners(dice, setting, n, "exposed_owner")
    keys = scene.keys
    leak = dice.rng.uniform(0.08, 0.9, n) * setting.end
    seen = leak + dice.lognormal(2 * MINUTE, 1.0, n)
    _reported(dice, keys, np.ones(n, dtype=bool), seen, leak)
    # Mean about a quarter of an hour, as honeypot studies found; some come days later.
    quick = dice.lognormal(float(dice.rng.uniform(5, 10)) * MINUTE, 1.2, n)
    wait = np.where(dice.chance(0.85, n), quick, dice.rng.uniform(0.05, 10, n) * DAY)
    probed = leak + np.maximum(wait, 40.0)
    fate = dice.index(4, n, (6, 2, 1.5, 1))
    drained, in_time = fate == 0, fate == 1
    saved = seen + dice.lognormal(4 * MINUTE, 0.8, n)
    drain = np.maximum(probed, seen) + dice.lognormal(20 * MINUTE, 1.3, n)
    stop = np.minimum(drain + dice.log_uniform(0.05, 12, n) * DAY, setting.end)
    end = np.where(drained & dice.chance(0.7, n), stop, NEVER)
    keys["revoked"] = np.where(in_time, saved, end)
    gone = keys["revoked"].notna()
    keys["revoke_reason"] = np.where(gone, "exposed", "").astype(object)
    lived = drain < setting.end - HOUR
    keys["replayed"] = drained & lived
    keys["first_abuse_at"] = np.where(drained & lived, np.maximum(probed, seen), NEVER)
    kinds = np.array(["exposed_drained", "exposed_revoked", "exposed_probed",
                      "exposed_untouched"], dtype=object)  # fmt: skip
    keys["population"] = kinds[fate]
    crews = _crews(dice, setting, n)
    keys["crew_id"] = np.where(keys["replayed"], crews.name[crews.crew], "").astype(
        object
    )
    probes = _probes(dice, setting, scene, crews, np.maximum(probed, seen))
    # A key that is gone answers nobody; one of the untouched nobody asked.
    reached = ~(in_time & (probed >= saved)) & (fate != 3)
    parts = [probes[reached]]
    if drained.any():
        foreign = _foreign(dice, setting, scene, crews, (drain, stop))
        parts.append(foreign[foreign["key_id"].isin(keys["key_id"][drained])])
    rotate(dice, setting, scene, keys["revoked"].to_numpy())
    return join([scene, Scene(streams=pd.concat(parts, ignore_index=True))])


def owners(dice: Dice, setting: Setting, n: int, population: str) -> Scene:
    """Paying customers of old, each with a key in steady use: victims, not thieves."""
    people = ordinary(dice, setting, n, population)
    establish(dice, setting, people)
    paying(dice, people, dice.lognormal(80.0, 1.2, n))
    people["api"], people["victim"] = True, True
    people["says_account"] = dice.chance(0.3, n)
    people["pay"] = np.where(dice.chance(0.3, n), INVOICE, people["pay"])
    people["says_paid_by"] = True
    people["events"] = dice.lognormal(3.0, 0.6, n)
    people["floor"] = 25
    return live(dice, setting, people)


def _crews(dice: Dice, setting: Setting, n: int) -> Crews:
    crew = dice.groups(n, 1, 8)
    k = int(crew[-1]) + 1
    nets, clients = setting.networks, setting.clients
    vpns = nets.of("vpn")
    ways = (nets.proxy, nets.fleet, nets.fleet, int(vpns[0]), nets.roam)
    dear = dice.chance(0.75, k)
    usual = dice.index(setting.habits.dear, k)
    strong = setting.habits.dear + dice.index(setting.habits.dear // 2, k)
    odd = clients.odd[dice.index(clients.odd.size, k)]
    known = clients.sdks[dice.index(clients.sdks.size, k)]
    return Crews(
        crew=crew,
        name=dice.ids("crew_", k, 8),
        net=dice.pick(ways, k),
        hosts=dice.salts(k * 40).reshape(k, 40),
        client=np.where(dice.chance(0.7, k), odd, known),
        habit=np.where(dear, strong, usual),
        prompt=np.where(dice.chance(setting.prompt_share, k), dice.salts(k), -1),
        ratio=dice.log_uniform(0.1, 4, k),
        recon=dice.rng.beta(1, 8, k),
        evenness=dice.log_uniform(0.4, 5, k),
        hosted=dice.rng.integers(2, 40, k),
        lease=dice.log_uniform(0.1, 900, k) * HOUR,
    )


def _foreign(
    dice: Dice,
    setting: Setting,
    scene: Scene,
    crews: Crews,
    period: tuple[Floats, Floats],
) -> pd.DataFrame:
    """The thieves' streams: several hosts of a crew on each key."""
    begin, stop = period
    n = len(scene.keys)
    many = 1 + dice.rng.poisson(2.5, n)
    key = np.repeat(np.arange(n), many)
    crew = crews.crew[key]
    m = key.size
    host = crews.hosts[
        crew, np.floor(dice.rng.random(m) * crews.hosted[crew]).astype(int)
    ]
    first = np.r_[True, key[1:] != key[:-1]] if m else np.array([], dtype=bool)
    length = (stop - begin)[key]
    start = begin[key] + np.where(first, 0.0, length * 0.5 * dice.rng.random(m))
    loot = dice.log_uniform(20, 4000, n)[key] / many[key]
    owner = scene.accounts.set_index("account_id").loc[scene.keys["account_id"]]
    invoiced = (owner["pay"] == INVOICE).to_numpy()[key]
    turn = crews.lease[crew]
    return streams(
        m,
        key_id=scene.keys["key_id"].to_numpy()[key],
        start=start,
        span=np.maximum(stop[key] - start, 600.0),
        events=dice.lognormal(3.0, 0.7, m),
        floor=np.maximum(12, 45 // many[key]),
        spend=loot,
        evenness=crews.evenness[crew],
        burn=dice.log_uniform(0.5, 2, m),
        rhythm=dice.pick((ANY, NIGHT), n, (3, 1))[key],
        net=crews.net[crew],
        salt=host,
        lease=turn,
        net2=setting.networks.proxy,
        salt2=host,
        lease2=turn,
        share2=dice.rng.beta(1, 3, m),
        client=crews.client[crew],
        habit=crews.habit[crew],
        ratio=crews.ratio[crew],
        prompt=crews.prompt[crew],
        prompts=2,
        errors=dice.rng.beta(1, 12, m),
        recon=crews.recon[crew],
        priced=dice.chance(0.9, m),
        paid=np.where(invoiced, BY_INVOICE, CARD),
    )


def _probes(
    dice: Dice, setting: Setting, scene: Scene, crews: Crews, at: Floats
) -> pd.DataFrame:
    """The first look at a found key: which models does it open?"""
    n = len(scene.keys)
    host = crews.hosts[crews.crew, 0]
    return streams(
        n,
        key_id=scene.keys["key_id"],
        start=at,
        span=dice.log_uniform(5, 600, n),
        events=0.0,
        floor=dice.rng.integers(1, 9, n),
        spend=0.0,
        net=crews.net[crews.crew],
        salt=host,
        lease=DAY,
        net2=setting.networks.fleet,
        salt2=host,
        client=crews.client[crews.crew],
        habit=crews.habit[crews.crew],
        recon=1.0,
        paid=CARD,
        priced=True,
    )


def _reported(
    dice: Dice,
    keys: pd.DataFrame,
    which: Flags,
    seen: Floats,
    leak: Floats,
) -> None:
    n = len(keys)
    keys["seen_at"] = np.where(which, seen, NEVER)
    keys["exposed_at"] = np.where(which & dice.chance(0.8, n), leak, NEVER)
    place = dice.pick(_PLACES, n, (8, 2, 2, 2, 1, 2, 1, 1))
    keys["location"] = np.where(which, place, "").astype(object)
    finder = dice.pick(("secret-scanning", "scanner", "researcher", "customer"), n)
    keys["detector"] = np.where(which, finder, "").astype(object)
    keys["verified"] = which & dice.chance(0.85, n)
