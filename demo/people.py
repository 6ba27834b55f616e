"""An ordinary account: the ground from which every population departs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo import cards, names
from demo.clients import device_ids
from demo.dice import Dice, Floats, Texts
from demo.hours import ANY, DAY, HOUR, OFFICE, WAKING, in_rhythm
from demo.setting import COUNTRIES, Setting

NO_PAY, POSTPAID, PREPAID, INVOICE = range(4)
"""How an account pays past its trial credit."""

NEVER = float("nan")

Columns = dict[str, NDArray[Any]]


def ordinary(dice: Dice, setting: Setting, n: int, population: str) -> pd.DataFrame:
    """Return `n` accounts of people who have nothing to do with each other.

    One row holds who they are, where from and with what they come, what they were
    granted and how they pay, and how they use the product (the columns of
    `demo.scene.STREAM`). They are trialists without a card, alive in the log.
    """
    country = dice.pick(list(COUNTRIES), n, list(setting.country_weights))
    tz = setting.zones(country)
    who: dict[str, object] = {
        "account_id": dice.ids("acc_", n, 14),
        "population": population,
        "case": "",
        "level": "",
        "ring_id": "",
        "abusive": False,
        "victim": False,
        "country": country,
        "tz": tz,
        "email": names.personal(dice, country),
        "phone": np.where(dice.chance(0.4, n), names.phones(dice, country), ""),
        "tenant_id": "",
        "plan": "free",
        "invited_by": "",
        "referral_code": "",
        "closed": NEVER,
        "close_reason": "",
        "same_mail": False,
    }
    created = arrivals(dice, setting, tz)
    # Made at once: a frame that grows by a column at a time is copied each time.
    columns = {
        **who,
        "created": created,
        **_reach(dice, setting, country),
        **_software(dice, setting, n),
        **_money(dice, setting, n),
        **_use(dice, setting, created),
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(n))


def arrivals(dice: Dice, setting: Setting, tz: Floats) -> Floats:
    """Return sign-up times in waking hours, a little denser towards the end."""
    t = setting.end * dice.rng.random(tz.size) ** 0.85
    moved = in_rhythm(dice, t, np.full(tz.size, WAKING), tz)
    # Who would come after the log's end came a day or two before it.
    late = np.where(moved > setting.end - HOUR, moved - 2 * DAY, moved)
    return np.where(late < 0, late + DAY, late)


def establish(dice: Dice, setting: Setting, people: pd.DataFrame) -> None:
    """Make these customers of old: signed up long ago, here all the time."""
    n = len(people)
    people["created"] = -dice.log_uniform(5, 540, n) * DAY
    people["start"] = dice.rng.uniform(0, 2 * DAY, n)
    people["span"] = setting.end - people["start"]
    people["sessions"] = dice.rng.integers(3, 14, n)


def adjust(
    people: pd.DataFrame, who: NDArray[np.bool_] | pd.Series, **columns: Any
) -> None:
    """Set columns for those of `who` alone; values are for all rows, or one for all."""
    who = np.asarray(who, dtype=bool)
    for name, value in columns.items():
        old = people[name].to_numpy()
        new = np.where(who, value, old)
        people[name] = new.astype(object) if old.dtype == object else new


def paying(
    dice: Dice, people: pd.DataFrame, spend: Floats, prepaid: float = 0.05
) -> None:
    """Give each a card of its own and let it consume `spend` dollars on it."""
    n = len(people)
    issued = cards.issue(dice, people["country"].to_numpy(), prepaid)
    for name in cards.COLUMNS:
        people[name] = issued[name].to_numpy()
    people["pay"] = dice.pick((POSTPAID, PREPAID), n, (6, 4))
    people["topup"] = dice.pick((10.0, 20.0, 25.0, 50.0, 100.0), n)
    people["pm_at"] = people["created"] + dice.lognormal(6 * HOUR, 2.0, n)
    people["spend"] = spend + people["grant"]
    people["plan"] = dice.pick(("payg", "pro", "build"), n)


def _reach(dice: Dice, setting: Setting, country: Texts) -> Columns:
    n = country.size
    away = dice.chance(0.45, n)
    return {
        "net": setting.nets(dice, "home", country),
        "salt": dice.salts(n),
        "lease": dice.log_uniform(1, 120, n) * DAY,
        "net2": setting.nets(dice, "mobile", country),
        "salt2": dice.salts(n),
        "lease2": dice.log_uniform(0.5, 8, n) * HOUR,
        "share2": np.where(away, dice.rng.beta(1.5, 5, n), 0.0),
        "server_net": np.where(
            dice.chance(0.35, n), setting.nets(dice, "cloud", country), -1
        ),
        "server_salt": dice.salts(n),
        "server_lease": np.full(n, 400 * DAY),
    }


def _software(dice: Dice, setting: Setting, n: int) -> Columns:
    clients = setting.clients
    scheme = dice.pick(("fpjs-4", "ios-idfv", "web-2"), n, (7, 1, 2))
    scheme = np.where(dice.chance(setting.device_share, n), scheme, "").astype(object)
    device = device_ids(dice, scheme)
    # One model of phone in its delivery state looks like every other one.
    common = dice.chance(0.05, n) & (scheme != "")
    weights = 1.0 / np.arange(1, setting.popular_devices.size + 1)
    popular = dice.pick(list(setting.popular_devices), n, list(weights))
    return {
        "device_scheme": scheme,
        "device_id": np.where(common, popular, device).astype(object),
        "second_device": np.where(
            dice.chance(0.3, n) & (scheme != ""), device_ids(dice, scheme), ""
        ).astype(object),
        "browser": np.where(
            dice.chance(0.75, n),
            clients.browsers[dice.index(clients.browsers.size, n)],
            clients.phones[dice.index(clients.phones.size, n)],
        ),
        "method": dice.pick(("password", "google", "github", "sso"), n, (5, 4, 3, 0.2)),
        "mfa": dice.chance(0.3, n),
        "sessions": dice.rng.integers(1, 7, n),
    }


def _money(dice: Dice, setting: Setting, n: int) -> Columns:
    blank = np.full(n, "", dtype=object)
    empty = {name: blank for name in cards.COLUMNS if name != "wallet"}
    return {
        **empty,
        "wallet": np.zeros(n, dtype=bool),
        "grant": np.full(n, setting.trial_usd),
        "grant_reason": np.full(n, "trial", dtype=object),
        "pay": np.full(n, NO_PAY),
        "topup": np.full(n, 20.0),
        "pm_at": np.full(n, NEVER),
        "dispute_share": np.zeros(n),
        "warn_share": np.zeros(n),
        "warn_lag": dice.lognormal(2 * DAY, 0.8, n),
        "dispute_lag": dice.lognormal(38 * DAY, 0.4, n),
        "decline_share": np.full(n, 0.03),
        "says_paid_by": dice.chance(0.88, n),
        "spend": np.full(n, setting.trial_usd) * dice.rng.beta(0.8, 2.5, n),
    }


def _use(dice: Dice, setting: Setting, created: Floats) -> Columns:
    n = created.size
    clients, odd = setting.clients, dice.chance(0.15, n)
    popular = setting.popular_prompts[
        np.minimum(dice.rng.zipf(1.6, n) - 1, setting.popular_prompts.size - 1)
    ]
    prompt = np.where(dice.chance(0.5, n), popular, dice.salts(n))
    return {
        "api": dice.chance(0.6, n),
        "start": np.maximum(created + dice.lognormal(0.6 * HOUR, 2.0, n), 60.0),
        "span": dice.log_uniform(0.05, 30, n) * DAY,
        "events": dice.lognormal(1.0, 0.8, n),
        "floor": np.full(n, 2),
        "evenness": dice.log_uniform(0.3, 2.0, n),
        "burn": dice.log_uniform(0.5, 2.0, n),
        "rhythm": dice.pick((WAKING, OFFICE, ANY), n, (6, 3, 1)),
        "client": np.where(
            odd,
            clients.odd[dice.index(clients.odd.size, n)],
            clients.sdks[dice.index(clients.sdks.size, n)],
        ),
        "habit": dice.index(setting.habits.dear, n),
        "ratio": dice.log_uniform(0.05, 2.5, n),
        "prompt": np.where(dice.chance(setting.prompt_share, n), prompt, -1),
        "prompts": dice.pick((1, 2, 3, 5), n, (6, 3, 2, 1)),
        "errors": dice.rng.beta(1, 30, n),
        "recon": np.zeros(n),
        "limit_hits": np.zeros(n, dtype=int),
        "end_users": np.zeros(n, dtype=int),
        "requests": np.ones(n),
        "priced": dice.chance(0.9, n),
        "paid": np.full(n, -1),
        "says_account": dice.chance(0.5, n),
        "says_device": dice.chance(0.4, n),
        "region": np.where(dice.chance(0.3, n), dice.index(8, n), -1),
        "says_agent": dice.chance(0.75, n),
        "says_hello": dice.chance(0.5, n),
    }
