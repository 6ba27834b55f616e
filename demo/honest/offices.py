"""Companies: one tenant, one bill, one office line, machines from one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from demo import names
from demo.dice import Dice, Floats, Ints, Texts
from demo.hours import BATCH, DAY, HOUR, OFFICE, WAKING
from demo.people import INVOICE, POSTPAID, adjust, establish, ordinary, paying
from demo.scene import Scene, keys, live, streams
from demo.setting import Setting


@dataclass
class Offices:
    """Tenants with members: the scene, each account's tenant, each owner's row."""

    scene: Scene
    firm: Ints
    heads: Ints
    tenant_id: Texts

    @property
    def owner(self) -> Texts:
        """Return the account that pays, one a tenant."""
        return np.asarray(self.scene.accounts["account_id"].to_numpy()[self.heads])

    @property
    def consumed(self) -> Floats:
        """Return what each tenant's members consume in the whole log, in dollars."""
        spend = self.scene.accounts["spend"].to_numpy()
        return np.asarray(np.bincount(self.firm, spend, minlength=self.heads.size))


def found(
    dice: Dice, setting: Setting, n: int, population: str, sizes: tuple[int, int]
) -> Offices:
    """Return tenants of `sizes` members, `n` accounts in all."""
    people = ordinary(dice, setting, n, population)
    firm = dice.groups(n, *sizes)
    heads = np.flatnonzero(np.r_[True, firm[1:] != firm[:-1]])
    k = heads.size
    establish(dice, setting, people)
    tenant_id = dice.ids("org_", k, 12)
    people["tenant_id"] = tenant_id[firm]
    people["country"] = people["country"].to_numpy()[heads][firm]
    country = people["country"].to_numpy()
    people["tz"] = setting.zones(country)
    people["email"] = names.at(dice, country, names.companies(dice, k)[firm])
    _office(dice, setting, people, firm, heads)
    _seats(dice, people, firm, heads)
    scene = live(dice, setting, people)
    scene.streams["billed"] = people["account_id"].to_numpy()[heads][firm]
    scene.streams["tenant_id"] = people["tenant_id"].to_numpy()
    scene.tenants = pd.DataFrame(
        {
            "tenant_id": tenant_id,
            "drained": False,
            "culprit_type": "",
            "culprit": "",
            "population": population,
        }
    )
    return Offices(scene, firm, heads, tenant_id)


def settle(dice: Dice, setting: Setting, offices: Offices, extra: Floats) -> None:
    """Tell who belongs to each tenant, and a quota above what they consume.

    `extra`: dollars that are consumed besides the members' own.
    """
    _membership(dice, offices)
    need = (offices.consumed + extra) * 30 / setting.days
    n = need.size
    offices.scene.tell(
        "quota.set",
        pd.DataFrame(
            {
                "tenant_id": offices.tenant_id,
                "t": dice.rng.uniform(60, 2 * HOUR, n),
                "limit_usd": np.ceil(need * dice.log_uniform(1.05, 3, n) / 10) * 10,
                "period": "month",
            }
        ),
    )


def corporate(dice: Dice, setting: Setting, n: int) -> Scene:
    """Companies at work: single sign-on, identical machines, one bill."""
    top = int(np.clip(n // 8, 8, 400))
    offices = found(dice, setting, n, "corporate_sso", (5, top))
    people = offices.scene.accounts
    burst = dice.chance(0.4, offices.heads.size)[offices.firm]
    day = dice.rng.uniform(0.05, 0.7, offices.heads.size)[offices.firm] * setting.end
    adjust(people, burst, created=day + dice.log_uniform(60, DAY, n))
    adjust(people, burst, start=people["created"] + dice.lognormal(HOUR, 1.0, n))
    begun = people["start"].to_numpy()
    adjust(offices.scene.streams, burst, start=begun, span=setting.end - begun)
    adjust(people, burst, span=setting.end - begun)
    _own_keys_later(offices.scene)
    settle(dice, setting, offices, np.zeros(offices.heads.size))
    return offices.scene


def nightly_batch(dice: Dice, setting: Setting, n: int) -> Scene:
    """A tenant whose heaviest user is its own machine, every night."""
    offices = found(dice, setting, n, "heavy_batch", (4, 10))
    k = offices.heads.size
    share = dice.rng.uniform(0.4, 2.0, k)
    begin = dice.rng.uniform(0, DAY, k)
    service(
        dice, setting, offices, share,
        start=begin, rhythm=BATCH, evenness=dice.log_uniform(4, 20, k),
    )  # fmt: skip
    settle(dice, setting, offices, offices.consumed * share)
    return offices.scene


def dominant(dice: Dice, setting: Setting, n: int) -> Scene:
    """A tenant of which one customer alone takes a third to a half of all use."""
    offices = found(dice, setting, n, "dominant_consumer", (4, 10))
    k = offices.heads.size
    share = dice.rng.uniform(0.29, 0.52, k)
    share = share / (1 - share)
    begin = dice.rng.uniform(0, DAY, k)
    service(
        dice, setting, offices, share,
        start=begin, rhythm=WAKING, evenness=dice.log_uniform(0.5, 3, k),
        end_users=dice.rng.integers(1, 3, k),
    )  # fmt: skip
    service(
        dice, setting, offices, dice.rng.uniform(0.2, 0.8, k),
        start=begin, rhythm=WAKING, end_users=dice.rng.integers(10, 80, k),
    )  # fmt: skip
    settle(dice, setting, offices, offices.consumed * (share + 0.5))
    return offices.scene


def product_launch(dice: Dice, setting: Setting, n: int) -> Scene:
    """A team's new product takes off: its share climbs for a good reason."""
    offices = found(dice, setting, n, "product_launch", (4, 12))
    k = offices.heads.size
    share = dice.rng.uniform(0.6, 3.0, k)
    start = dice.rng.uniform(0.25, 0.75, k) * setting.end
    service(
        dice, setting, offices, share,
        start=start, rhythm=WAKING, evenness=dice.log_uniform(0.4, 1.5, k),
        burn=dice.log_uniform(1.2, 3, k), end_users=dice.rng.integers(40, 400, k),
    )  # fmt: skip
    settle(dice, setting, offices, offices.consumed * share)
    offices.scene.tell(
        "limit.raised",
        pd.DataFrame(
            {
                "account_id": offices.owner,
                "t": start - dice.lognormal(DAY, 0.7, k),
                "limit_usd": dice.pick((2000, 5000, 10000), k),
                "reason": "request",
            }
        ),
    )
    return offices.scene


def dev_team(dice: Dice, setting: Setting, n: int) -> Scene:
    """Teams of two to six who all use one key, each from home and office."""
    offices = found(dice, setting, n, "dev_team", (2, 6))
    scene = offices.scene
    theirs = pd.DataFrame({"firm": offices.firm, "key": np.nan}).assign(
        key=scene.accounts["account_id"].map(
            scene.keys.drop_duplicates("account_id").set_index("account_id")["key_id"]
        )
    )
    common = theirs.groupby("firm")["key"].transform("first").to_numpy(dtype=object)
    has = ~pd.isna(common)
    adjust(scene.streams, has, key_id=np.where(has, common, ""))
    adjust(scene.streams, has, account_id=scene.accounts["account_id"])
    used = scene.keys["key_id"].isin(scene.streams["key_id"])
    scene.keys = scene.keys[used].reset_index(drop=True)
    settle(dice, setting, offices, np.zeros(offices.heads.size))
    return scene


def service(
    dice: Dice,
    setting: Setting,
    offices: Offices,
    share: Floats,
    *,
    start: Floats,
    **columns: object,
) -> pd.DataFrame:
    """Add a machine account's key to each tenant; return the new keys.

    It consumes `share` times what the members consume, from the tenant's cloud.
    """
    k = offices.heads.size
    scene = offices.scene
    people = scene.accounts.iloc[offices.heads]
    at = np.maximum(start - dice.lognormal(6 * HOUR, 1.0, k), people["created"] + 60)
    made = keys(
        dice, k,
        account_id=offices.owner, tenant_id=offices.tenant_id, created=at,
        net=people["net"], salt=people["salt"], lease=people["lease"],
        device_id=people["device_id"], population=str(people["population"].iloc[0]),
        scopes="model.request",
    )  # fmt: skip
    span = setting.end - start
    chosen: dict[str, object] = {
        "key_id": made["key_id"], "tenant_id": offices.tenant_id, "start": start,
        "span": span, "spend": offices.consumed * share, "billed": offices.owner,
        "events": dice.lognormal(6.0, 0.5, k), "floor": 60, "tz": people["tz"],
        "net": setting.nets(dice, "cloud", people["country"].to_numpy()),
        "salt": dice.salts(k), "lease": 400 * DAY,
        "client": setting.clients.sdks[dice.index(setting.clients.sdks.size, k)],
        "habit": dice.index(setting.habits.dear, k), "prompt": dice.salts(k),
        "end_salt": dice.salts(k), "requests": dice.log_uniform(1, 30, k),
        "ratio": dice.log_uniform(0.05, 2, k), "errors": dice.rng.beta(1, 60, k),
        "paid": scene.streams["paid"].to_numpy()[offices.heads], **columns,
    }  # fmt: skip
    scene.keys = pd.concat([scene.keys, made], ignore_index=True)
    flow = streams(k, **chosen)
    scene.streams = pd.concat([scene.streams, flow], ignore_index=True)
    return made


def _office(
    dice: Dice, setting: Setting, people: pd.DataFrame, firm: Ints, heads: Ints
) -> None:
    k, n = heads.size, firm.size
    country = people["country"].to_numpy()
    for name in ("net2", "salt2", "lease2"):
        people[name] = people[name[:-1]]
    people["share2"] = dice.rng.beta(2, 4, n)
    people["net"] = setting.nets(dice, "home", country[heads])[firm]
    people["salt"], people["lease"] = dice.salts(k)[firm], 400 * DAY
    image = dice.chance(0.4, k)[firm] & dice.chance(0.7, n)
    people["second_device"] = ""
    device = dice.ids("", k)[firm]
    adjust(people, image, device_id=device, device_scheme="fpjs-4")
    browser = people["browser"].to_numpy()[heads][firm]
    adjust(people, image, browser=browser)
    people["method"] = np.where(dice.chance(0.7, k)[firm], "sso", people["method"])
    people["mfa"] = dice.chance(0.8, n)
    people["rhythm"] = np.where(dice.chance(0.85, n), OFFICE, WAKING)
    people["server_net"] = np.where(
        dice.chance(0.3, k)[firm], setting.nets(dice, "cloud", country[heads])[firm], -1
    )
    people["server_salt"] = dice.salts(k)[firm]


def _seats(dice: Dice, people: pd.DataFrame, firm: Ints, heads: Ints) -> None:
    """The first member is the one who pays; nobody gets a trial of his own."""
    n = firm.size
    people["grant"] = 0.0
    people["plan"] = dice.pick(("team", "enterprise"), heads.size)[firm]
    people["spend"] = dice.lognormal(30.0, 1.0, n)
    people["events"] = dice.lognormal(1.8, 0.6, n)
    people["api"] = dice.chance(0.6, n)
    people["says_account"] = True
    people["says_paid_by"] = True
    chief = np.zeros(n, dtype=bool)
    chief[heads] = True
    owners = people[chief].copy()
    paying(dice, owners, owners["spend"].to_numpy())
    by_invoice = dice.chance(0.5, heads.size)
    owners["pay"] = np.where(by_invoice, INVOICE, POSTPAID)
    for name in owners.columns[owners.columns.str.startswith("card_")]:
        people[name] = np.where(chief, owners[name].to_numpy()[firm], people[name])
    for name in ("pay", "pm_at", "cvc_check", "avs_check"):
        adjust(people, chief, **{name: owners[name].to_numpy()[firm]})
    # The members' use is on the owner's bill, whatever they say themselves.
    people["paid"] = np.where(by_invoice[firm], 2, -1)


def _membership(dice: Dice, offices: Offices) -> None:
    people, n = offices.scene.accounts, offices.firm.size
    chief = np.zeros(n, dtype=bool)
    chief[offices.heads] = True
    role = dice.pick(("member", "admin"), n, (9, 1))
    offices.scene.tell(
        "member.added",
        pd.DataFrame(
            {
                "tenant_id": people["tenant_id"],
                "account_id": people["account_id"],
                "t": people["created"] + dice.rng.uniform(5, 600, n),
                "role": np.where(chief, "owner", role),
                "invited_by": np.where(chief, "", offices.owner[offices.firm]),
            }
        ),
    )


def _own_keys_later(scene: Scene) -> None:
    """A key is not older than its owner."""
    created = scene.accounts.set_index("account_id")["created"]
    born = scene.keys["account_id"].map(created)
    scene.keys["created"] = np.maximum(scene.keys["created"], born + 30)
