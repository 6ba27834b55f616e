"""What else stands in a site's log: other identifiers, people who leave, reviews."""

from __future__ import annotations

import pandas as pd

from demo.dice import Dice
from demo.hours import DAY, HOUR
from demo.scene import Scene
from demo.setting import Setting


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
    """Former members go; their use ended before. Drained tenants keep theirs."""
    drained = scene.tenants.loc[scene.tenants["drained"], "tenant_id"]
    people = scene.accounts
    member = (people["plan"].isin(("team", "enterprise"))) & (people["pay"] == 0)
    calm = member & ~people["tenant_id"].isin(drained) & ~people["api"]
    gone = people[calm & dice.chance(0.08, len(people))]
    last = gone["start"] + gone["span"]
    rest.tell(
        "member.removed",
        pd.DataFrame(
            {
                "account_id": gone["account_id"],
                "tenant_id": gone["tenant_id"],
                "t": (last - 60).clip(upper=setting.end - HOUR),
                "role": "member",
            }
        ),
    )


def _reviews(dice: Dice, setting: Setting, scene: Scene, rest: Scene) -> None:
    """A desk that looked at a few cases in the log's second half, and was right."""
    half = setting.end / 2
    for kind, subjects, flag in (
        ("account", scene.accounts, "abusive"),
        ("key", scene.keys, "replayed"),
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
