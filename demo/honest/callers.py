"""Honest keys that look stolen: changing sources, moved services, lessons, decoys."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo.dice import Dice, Floats, Ints
from demo.hours import ANY, DAY, HOUR, MINUTE
from demo.people import NEVER, adjust, establish, ordinary, paying
from demo.scene import Scene, join, live, rotate, streams
from demo.setting import Setting
from demo.usage import CARD


def ci_serverless(dice: Dice, setting: Setting, n: int) -> Scene:
    """Build machines and functions: another cloud address every few minutes."""
    people = _customers(dice, setting, n, "ci_serverless", 60.0)
    fleet = dice.chance(0.5, n)
    people["server_net"] = np.where(
        fleet, setting.networks.fleet, _cloud(dice, setting, n)
    )
    people["server_lease"] = dice.log_uniform(0.1, 12, n) * HOUR
    people["evenness"] = dice.log_uniform(0.4, 6, n)
    people["rhythm"] = ANY
    people["events"] = dice.lognormal(5.0, 0.5, n)
    return live(dice, setting, people)


def load_test(dice: Dice, setting: Setting, n: int) -> Scene:
    """A customer who drives the own service to its limits for some hours, and pays."""
    people = _customers(dice, setting, n, "load_test", 40.0)
    scene = live(dice, setting, people)
    test = scene.streams.copy()
    test["start"] = dice.rng.uniform(0.1, 0.9, n) * setting.end
    test["span"] = dice.log_uniform(0.3, 8, n) * HOUR
    test["spend"] = dice.lognormal(250.0, 0.8, n)
    test["evenness"] = dice.log_uniform(3, 30, n)
    test["events"], test["floor"] = dice.lognormal(5.0, 0.5, n), 60
    test["errors"] = dice.rng.beta(2, 8, n)
    test["requests"] = dice.log_uniform(2, 60, n)
    test["net"], test["salt"] = setting.networks.fleet, dice.salts(n)
    test["lease"] = 10 * MINUTE
    return join([scene, Scene(streams=test)])


def key_rotation(dice: Dice, setting: Setting, n: int) -> Scene:
    """Keys replaced by plan, once, by people who read the manual."""
    people = _customers(dice, setting, n, "key_rotation", 50.0)
    scene = live(dice, setting, people)
    at = dice.rng.uniform(0.15, 0.85, len(scene.keys)) * setting.end
    scene.keys["revoked"] = at + dice.log_uniform(0.2, 72, at.size) * HOUR
    scene.keys["revoke_reason"] = "rotated"
    rotate(dice, setting, scene, at)
    return scene


def cloud_migration(dice: Dice, setting: Setting, n: int) -> Scene:
    """Services that move to another cloud, a part at a time, with the same key."""
    people = _customers(dice, setting, n, "cloud_migration", 90.0)
    scene = live(dice, setting, people)
    old, at = scene.streams, dice.rng.uniform(0.2, 0.8, n) * setting.end
    overlap = dice.log_uniform(0.02, 3, n) * DAY
    new = old.copy()
    new["start"] = at
    new["span"] = np.maximum(setting.end - at, DAY)
    new["net"], new["salt"] = _cloud(dice, setting, n), dice.salts(n)
    updated = setting.clients.sdks[dice.index(setting.clients.sdks.size, n)]
    adjust(new, dice.chance(0.4, n), client=updated)
    share = (new["span"] / setting.end).clip(0, 1)
    for name in ("spend", "events"):
        new[name] *= share
        old[name] *= 1 - share
    old["span"] = np.maximum(at + overlap - old["start"], DAY)
    return join([scene, Scene(streams=new)])


def tutorial_key(dice: Dice, setting: Setting, n: int) -> Scene:
    """A course gives one key to all its learners: meant so, and paid by the school."""
    people = ordinary(dice, setting, n, "tutorial_key")
    course = dice.groups(n, min(n, 12), min(n, 90))
    heads = np.flatnonzero(np.r_[True, course[1:] != course[:-1]])
    people["api"] = np.isin(np.arange(n), heads)
    people["says_account"] = True
    people["spend"] = people["grant"] * dice.rng.beta(0.6, 6, n)
    chief = people.iloc[heads].copy()
    establish(dice, setting, chief)
    paying(dice, chief, dice.lognormal(60.0, 0.6, heads.size))
    learners = people[~people["api"]].copy()
    term = dice.rng.uniform(0.1, 0.7, heads.size)[course] * setting.end
    learners["created"] = (term + 4 * DAY * dice.rng.random(n))[learners.index]
    learners["start"] = learners["created"] + dice.lognormal(HOUR, 1.0, len(learners))
    scene = live(dice, setting, pd.concat([chief, learners]))
    shared = scene.keys["key_id"].to_numpy()[course[learners.index]]
    school = scene.keys["account_id"].to_numpy()[course[learners.index]]
    lesson = scene.streams.iloc[heads.size :].copy()
    lesson["key_id"], lesson["billed"] = shared, school
    lesson["paid"], lesson["start"] = CARD, lesson["start"] + HOUR
    lesson["client"] = setting.clients.sdks[course[learners.index] % 20]
    lesson["spend"] = dice.lognormal(0.2, 0.8, len(lesson))
    return join([scene, Scene(streams=lesson)])


def contractor(dice: Dice, setting: Setting, n: int) -> Scene:
    """A key lent to somebody who helps for some weeks, from another country."""
    people = _customers(dice, setting, n, "contractor", 60.0)
    scene = live(dice, setting, people)
    helper = scene.streams.copy()
    helper["start"] = dice.rng.uniform(0.1, 0.6, n) * setting.end
    helper["span"] = dice.log_uniform(6, 30, n) * DAY
    helper["net"], helper["salt"] = setting.networks.of("home")[0], dice.salts(n)
    country = dice.pick(("IN", "PL", "BR", "VN", "NG", "US"), n)
    helper["net"] = setting.nets(dice, "home", country)
    helper["lease"], helper["share2"] = 60 * DAY, 0.0
    helper["tz"] = setting.zones(country)
    helper["spend"] *= dice.log_uniform(0.1, 0.8, n)
    helper["events"] *= 0.4
    helper["client"] = setting.clients.sdks[dice.index(setting.clients.sdks.size, n)]
    return join([scene, Scene(streams=helper)])


def decoys(dice: Dice, setting: Setting, n: int) -> Scene:
    """Canary keys, laid out to be found: probed by many, worth nothing."""
    scene, leak = _leaked(dice, setting, n, "canary", spend=0.0)
    scene.streams = scene.streams.iloc[:0]
    scene.keys["scopes"] = "canary"
    return join([scene, _visits(dice, setting, scene, leak, 12)])


def validated(dice: Dice, setting: Setting, n: int) -> Scene:
    """Keys that a researcher found, asked one free question and reported."""
    scene, leak = _leaked(dice, setting, n, "validated", spend=30.0)
    scene.keys["revoked"] = leak + dice.log_uniform(0.1, 20, n) * DAY
    scene.keys["revoke_reason"] = "exposed"
    visits = _visits(dice, setting, scene, leak, 1)
    rotate(dice, setting, scene, scene.keys["revoked"].to_numpy())
    return join([scene, visits])


def revoked_first(dice: Dice, setting: Setting, n: int) -> Scene:
    """Test keys that were long dead when somebody found them in an old commit."""
    scene, leak = _leaked(dice, setting, n, "revoked_first", spend=8.0)
    dead = dice.rng.uniform(0.05, 0.8, n) * leak
    scene.keys["revoked"] = dead
    scene.keys["revoke_reason"] = "unused"
    begun = scene.streams["start"]
    scene.streams["span"] = (dead - begun).clip(lower=HOUR)
    return scene


def _customers(
    dice: Dice, setting: Setting, n: int, population: str, spend: float
) -> pd.DataFrame:
    """Customers of old who pay and call from a server."""
    people = ordinary(dice, setting, n, population)
    establish(dice, setting, people)
    paying(dice, people, dice.lognormal(spend, 0.8, n))
    people["api"] = True
    people["server_net"] = _cloud(dice, setting, n)
    people["events"], people["floor"] = dice.lognormal(3.0, 0.5, n), 20
    return people


def _cloud(dice: Dice, setting: Setting, n: int) -> Ints:
    clouds = setting.networks.of("cloud")
    return np.asarray(clouds[dice.index(clouds.size, n)])


def _leaked(
    dice: Dice, setting: Setting, n: int, population: str, spend: float
) -> tuple[Scene, Floats]:
    people = _customers(dice, setting, n, population, max(spend, 1.0))
    scene = live(dice, setting, people)
    leak = dice.rng.uniform(0.1, 0.85, n) * setting.end
    keys = scene.keys
    keys["exposed_at"] = np.where(dice.chance(0.8, n), leak, NEVER)
    keys["seen_at"] = leak + dice.lognormal(5 * MINUTE, 1.5, n)
    keys["location"] = dice.pick(("github.com", "gist.github.com", "pypi.org"), n)
    keys["detector"] = dice.pick(("secret-scanning", "researcher"), n)
    keys["verified"] = dice.chance(0.8, n)
    return scene, leak


def _visits(
    dice: Dice, setting: Setting, scene: Scene, leak: Floats, mean: float
) -> Scene:
    """Single calls that cost nothing, each from somewhere else."""
    n = len(scene.keys)
    key = np.repeat(np.arange(n), 1 + dice.rng.poisson(mean - 1, n))
    m = key.size
    clients = setting.clients
    visit = streams(
        m,
        key_id=scene.keys["key_id"].to_numpy()[key],
        start=leak[key] + dice.lognormal(12 * MINUTE, 1.8, m),
        span=60.0,
        events=0.0,
        floor=1,
        spend=0.0,
        recon=1.0,
        net=np.where(
            dice.chance(0.6, m), setting.networks.fleet, setting.networks.proxy
        ),
        salt=dice.salts(m),
        client=clients.odd[dice.index(clients.odd.size, m)],
        paid=CARD,
    )
    return Scene(streams=visit)
