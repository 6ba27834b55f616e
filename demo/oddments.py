"""What else stands in a site's log: other identifiers, people who leave, reviews."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo.dice import Dice
from demo.hours import DAY, HOUR
from demo.people import adjust
from demo.scene import Scene
from demo.setting import Setting


def befriend(dice: Dice, setting: Setting, people: pd.DataFrame) -> None:
    """Let some accounts name who invited them or which newsletter sent them."""
    n = len(people)
    other = dice.index(n, n)
    older = people["created"].to_numpy()[other] < people["created"].to_numpy()
    free = (people["invited_by"] == "").to_numpy()
    friend = people["account_id"].to_numpy()[other]
    adjust(people, free & older & dice.chance(0.08, n), invited_by=friend)
    code = dice.pick(list(setting.codes), n)
    plain = (people["referral_code"] == "").to_numpy()
    adjust(people, plain & dice.chance(0.08, n), referral_code=code)
    scheme = (people["device_id"] != "") & (people["device_scheme"] == "")
    adjust(people, scheme, device_scheme="fpjs-4")


def oddments(dice: Dice, setting: Setting, scene: Scene) -> Scene:
    """Return events that belong to no population: few of each, of every kind."""
    rest = Scene()
    _identifiers(dice, scene, rest)
    _leavers(dice, setting, scene, rest)
    _reviews(dice, setting, scene, rest)
    return rest


def _identifiers(dice: Dice, scene: Scene, rest: Scene) -> None:
    """Cookies and sign-in subjects; a cookie is as shared as its device is."""
    people = scene.accounts[dice.chance(0.15, len(scene.accounts))]
    n = len(people)
    device = people["device_id"].to_numpy(dtype=object)
    cookie = dice.chance(0.6, n) & (device != "")
    subject = dice.ids("sub-", n, 12)
    rest.tell(
        "identifier.seen",
        pd.DataFrame(
            {
                "account_id": people["account_id"],
                "t": people["created"].clip(lower=0) + dice.log_uniform(5, DAY, n),
                "kind": pd.Series(cookie, people.index).map(
                    {True: "cookie", False: "oauth_subject"}
                ),
                "value": pd.Series("ck-" + device, people.index).where(cookie, subject),
            }
        ),
    )


def _leavers(dice: Dice, setting: Setting, scene: Scene, rest: Scene) -> None:
    """Former members go, and what they used with them; so do some customers."""
    drained = scene.tenants.loc[scene.tenants["drained"], "tenant_id"]
    people = scene.accounts
    member = people["plan"].isin(("team", "enterprise")) & (people["pay"] == 0)
    calm = member & ~people["tenant_id"].isin(drained) & ~people["api"]
    gone = people[calm & dice.chance(0.08, len(people))]
    left = dice.rng.uniform(0.3, 0.95, len(gone)) * setting.end
    rest.tell(
        "member.removed",
        pd.DataFrame(
            {
                "account_id": gone["account_id"],
                "tenant_id": gone["tenant_id"],
                "t": np.maximum(left, gone["created"] + DAY),
                "role": "member",
            }
        ),
    )
    stop = scene.streams["account_id"].map(pd.Series(left, index=gone["account_id"]))
    span = (stop - scene.streams["start"] - HOUR).clip(lower=600)
    adjust(scene.streams, stop.notna(), span=np.fmin(scene.streams["span"], span))
    stay = people["closed"].isna() & (people["start"] + people["span"] < setting.end)
    bored = people[stay & (people["pay"] == 0) & dice.chance(0.05, len(people))]
    over = bored["start"] + bored["span"]
    rest.tell(
        "account.closed",
        pd.DataFrame(
            {
                "account_id": bored["account_id"],
                "t": over + dice.log_uniform(HOUR, 20 * DAY, len(bored)),
                "reason": "user_request",
            }
        ),
    )
    invited = people[dice.chance(0.04, len(people)) & (people["grant"] > 0)]
    rest.tell(
        "credit.granted",
        pd.DataFrame(
            {
                "account_id": invited["account_id"],
                "t": invited["created"].clip(lower=0)
                + dice.log_uniform(600, DAY * 30, len(invited)),
                "amount_usd": dice.pick((1.0, 2.0, 5.0), len(invited)),
                "reason": "promo",
            }
        ),
    )


def _reviews(dice: Dice, setting: Setting, scene: Scene, rest: Scene) -> None:
    """A desk that looked at a few cases in the log's second half, and was right."""
    half = setting.end / 2
    people, keys = scene.accounts, scene.keys
    for kind, subjects, flag in (
        ("account", people[people["created"] < half], "abusive"),
        ("key", keys[keys["created"] < half], "replayed"),
        ("tenant", scene.tenants, "drained"),
    ):
        name = f"{kind}_id"
        some = subjects.sample(max(2, len(subjects) // 500), random_state=dice.rng)
        n = len(some)
        rest.tell(
            f"{kind}.reviewed",
            pd.DataFrame(
                {
                    name: some[name],
                    "t": half + dice.rng.random(n) * half * 0.99,
                    "verdict": some[flag].map({True: "abusive", False: "legitimate"}),
                    "reviewer": dice.pick(("trust-desk", "billing-desk"), n),
                }
            ),
        )
