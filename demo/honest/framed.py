"""Innocent people whom somebody tries to frame."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo.dice import Dice, Flags, Ints
from demo.hours import DAY, HOUR, MINUTE
from demo.people import adjust, establish, ordinary, paying
from demo.scene import Scene, live
from demo.setting import Setting

WAYS = ("wifi", "invited", "lookalike", "same_tools", "forged_device", "false_report")
"""What a stranger can do to look like somebody's accomplice, or make them look so."""


def framed(dice: Dice, setting: Setting, n: int, thieves: pd.DataFrame) -> Scene:
    """People whom accounts of `thieves` (changed in place) drag into their company.

    Each suffers one to four of `WAYS`: a thief on their Wi-Fi, an invitation, a
    look-alike mail address, the same client, a forged device id, a false report.
    """
    people = ordinary(dice, setting, n, "framed")
    people["victim"] = True
    people["api"] = dice.chance(0.7, n)
    people["spend"] = people["grant"] * dice.rng.beta(0.8, 1.2, n)
    buys = dice.chance(0.4, n)
    bought = people[buys].copy()
    old = bought.copy()
    establish(dice, setting, old)
    for name in ("created", "start", "span"):
        bought[name] = old[name]
    paying(dice, bought, dice.lognormal(20.0, 0.8, len(bought)))
    people = pd.concat([bought, people[~buys]], ignore_index=True)
    enemy = dice.rng.choice(len(thieves), n, replace=len(thieves) < n)
    foe = thieves.iloc[enemy].reset_index(drop=True)
    way = dice.rng.random((n, len(WAYS))) < dice.rng.uniform(0.15, 0.5, len(WAYS))
    way[np.arange(n), dice.index(len(WAYS), n)] = True
    ways = dict(zip(WAYS, way.T, strict=True))
    adjust(
        people,
        ways["invited"],
        invited_by=foe["account_id"],
        referral_code=foe["referral_code"],
    )
    for name in ("browser", "client", "habit", "says_agent", "says_hello"):
        adjust(people, ways["same_tools"], **{name: foe[name]})
    scene = live(dice, setting, people)
    _lookalikes(dice, people, thieves, enemy, ways["lookalike"])
    _on_their_wifi(dice, setting, scene, foe, ways["wifi"])
    _forged(dice, setting, scene, foe, ways["forged_device"])
    _false_reports(dice, setting, scene, ways["false_report"])
    return scene


def _lookalikes(
    dice: Dice,
    people: pd.DataFrame,
    thieves: pd.DataFrame,
    enemy: Ints,
    which: Flags,
) -> None:
    """The thief's own address becomes the victim's with a tag, a digit or a twin."""
    halves = people["email"].str.partition("@")
    tag = dice.pick(("+ai", "+1", "1", "2", "_", "+dev"), len(people))
    local = halves[0].to_numpy(dtype=object)
    twin = halves[0].str.replace("a", "\u0430", n=1).to_numpy(dtype=object)
    homoglyph = dice.chance(0.25, len(people))
    near = (
        np.where(homoglyph, twin, local + tag) + "@" + halves[2].to_numpy(dtype=object)
    )
    mail = thieves["email"].to_numpy(dtype=object).copy()
    mail[enemy[which]] = near[which]
    thieves["email"] = mail


def _on_their_wifi(
    dice: Dice,
    setting: Setting,
    scene: Scene,
    foe: pd.DataFrame,
    which: Flags,
) -> None:
    """The thief's account signs in from the victim's line, time and again."""
    people = scene.accounts
    many = np.where(which, 1 + dice.rng.poisson(3, which.size), 0)
    row = np.repeat(np.arange(which.size), many)
    host, guest = people.iloc[row], foe.iloc[row]
    begin = np.maximum(guest["start"].to_numpy(), 0.0)
    t = begin + dice.log_uniform(60, 20 * DAY, row.size)
    upper, lower = setting.networks.addresses(
        host["net"].to_numpy(), host["salt"].to_numpy(), host["lease"].to_numpy(), t
    )
    scene.tell("session.started", _session(setting, guest, t).assign(
        ip_upper=upper, ip_lower=lower, device_id=guest["device_id"].to_numpy(),
        device_scheme=guest["device_scheme"].to_numpy(),
    ))  # fmt: skip


def _forged(
    dice: Dice,
    setting: Setting,
    scene: Scene,
    foe: pd.DataFrame,
    which: Flags,
) -> None:
    """The thief sends the victim's device id, which a script can read and replay."""
    people = scene.accounts
    row = np.flatnonzero(which & (people["device_id"] != "").to_numpy())
    guest, host = foe.iloc[row], people.iloc[row]
    t = np.maximum(guest["start"].to_numpy(), 0) + dice.log_uniform(
        60, 5 * DAY, row.size
    )
    upper, lower = setting.networks.addresses(
        guest["net"].to_numpy(), guest["salt"].to_numpy(), guest["lease"].to_numpy(), t
    )
    scene.tell("session.started", _session(setting, guest, t).assign(
        ip_upper=upper, ip_lower=lower, device_id=host["device_id"].to_numpy(),
        device_scheme=host["device_scheme"].to_numpy(),
    ))  # fmt: skip


def _session(setting: Setting, who: pd.DataFrame, t: object) -> pd.DataFrame:
    browser = who["browser"].to_numpy()
    return pd.DataFrame(
        {
            "account_id": who["account_id"].to_numpy(),
            "t": t,
            "method": "password",
            "mfa": False,
            "user_agent": setting.clients.user_agent[browser],
            "ja4": setting.clients.ja4[browser],
        }
    )


def _false_reports(
    dice: Dice,
    setting: Setting,
    scene: Scene,
    which: Flags,
) -> None:
    """Somebody who never held the key reports it as leaked."""
    blamed = scene.keys["account_id"].isin(scene.accounts["account_id"][which])
    n = len(scene.keys)
    seen = (
        scene.keys["created"].clip(lower=0) + dice.rng.uniform(0.02, 0.6, n) * DAY * 30
    )
    adjust(
        scene.keys,
        blamed & (seen < setting.end - HOUR),
        seen_at=seen,
        exposed_at=seen - 5 * MINUTE,
        location="pastebin.com",
        detector="web-form",
        verified=False,
    )
