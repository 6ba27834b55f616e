"""Somebody inside a tenant who lives on everybody's quota."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo.dice import Dice, Floats, Ints, Texts
from demo.honest.offices import Offices, found, service, settle
from demo.hours import ANY, DAY, NIGHT
from demo.people import adjust
from demo.scene import Scene, streams
from demo.setting import Setting
from demo.usage import end_user_ids


def member(dice: Dice, setting: Setting, n: int) -> Scene:
    """A member whose own use turns into a machine's, day and night."""
    offices, loot, start = _robbed(dice, setting, n, "drain_member")
    scene = offices.scene
    row = _someone(dice, offices)
    who = scene.accounts.iloc[row]
    _add(dice, setting, offices, loot, start, account_id=who["account_id"])
    _accuse(scene, row)
    return _named(offices, "account", who["account_id"].to_numpy(dtype=object))


def sub_key(dice: Dice, setting: Setting, n: int) -> Scene:
    """A further key that a member made and that nobody knows what for."""
    offices, loot, start = _robbed(dice, setting, n, "drain_sub_key")
    scene = offices.scene
    row = _someone(dice, offices)
    made = _key(dice, setting, offices, row, loot, start)
    _accuse(scene, row)
    return _named(offices, "key", made["key_id"].to_numpy(dtype=object))


def end_user(dice: Dice, setting: Setting, n: int) -> Scene:
    """One of the tenant's own users who takes what was meant for all of them."""
    offices, loot, start = _robbed(dice, setting, n, "drain_end_user")
    k = offices.heads.size
    crowd = dice.rng.integers(15, 150, k)
    begin = dice.rng.uniform(0, DAY, k)
    made = service(
        dice, setting, offices, dice.rng.uniform(0.5, 1.5, k),
        start=begin, end_users=crowd, rhythm=1,
    )  # fmt: skip
    common = offices.scene.streams.iloc[-k:]
    salt = dice.salts(k)
    _add(
        dice, setting, offices, loot, start, key_id=made["key_id"], end_users=1,
        end_salt=salt, client=common["client"], net=common["net"], salt=common["salt"],
        lease=common["lease"], share2=0.0,
    )  # fmt: skip
    return _named(offices, "end_user", end_user_ids(salt, np.zeros(k, dtype=int)))


def resale(dice: Dice, setting: Setting, n: int) -> Scene:
    """A member's key sold on: a crowd of strangers behind it, at all hours."""
    offices, loot, start = _robbed(dice, setting, n, "drain_resale")
    row = _someone(dice, offices)
    k = offices.heads.size
    made = _key(
        dice, setting, offices, row, loot, start,
        end_users=dice.rng.integers(20, 400, k), rhythm=ANY, evenness=1.0, prompts=40,
    )  # fmt: skip
    _accuse(offices.scene, row)
    return _named(offices, "key", made["key_id"].to_numpy(dtype=object))


def _robbed(
    dice: Dice, setting: Setting, n: int, population: str
) -> tuple[Offices, Floats, Floats]:
    """Tenants with a normal life; what will be taken, and from when."""
    offices = found(dice, setting, n, population, (5, 12))
    k = offices.heads.size
    loot = offices.consumed * dice.log_uniform(0.5, 5, k)
    settle(dice, setting, offices, loot * 0.6)
    return offices, loot, dice.rng.uniform(0.2, 0.75, k) * setting.end


def _someone(dice: Dice, offices: Offices) -> Ints:
    """One member of each tenant who does not own it, where there is another one."""
    size = np.bincount(offices.firm)
    step = 1 + np.floor(dice.rng.random(size.size) * (size - 1)).astype(np.int64)
    return offices.heads + np.minimum(step, size - 1)


def _key(
    dice: Dice, setting: Setting, offices: Offices, row: Ints, loot: Floats,
    start: Floats, **columns: object,
) -> pd.DataFrame:  # fmt: skip
    """A key of the member in `row`, made shortly before the drain begins."""
    columns = {**_manner(dice, setting, offices), **columns}
    made = service(
        dice, setting, offices, loot / offices.consumed, start=start, **columns
    )
    scene = offices.scene
    owner = scene.accounts.iloc[row]
    mine = scene.keys["key_id"].isin(made["key_id"]).to_numpy()
    for name in ("account_id", "device_id", "net", "salt", "lease"):
        scene.keys.loc[mine, name] = owner[name].to_numpy()
    return made


def _manner(dice: Dice, setting: Setting, offices: Offices) -> dict[str, object]:
    """How drains run: like clockwork, at odd hours, from elsewhere."""
    k = offices.heads.size
    nets = setting.networks
    return {
        "rhythm": dice.pick((ANY, NIGHT), k, (3, 2)),
        "evenness": dice.log_uniform(1.5, 25, k),
        "burn": dice.log_uniform(0.8, 2.2, k),
        "net": dice.pick((nets.fleet, nets.proxy, int(nets.of("cloud")[0])), k),
        "lease": dice.log_uniform(0.5, 60, k) * DAY,
        "habit": dice.index(len(setting.habits.models), k),
        "client": setting.clients.odd[dice.index(setting.clients.odd.size, k)],
        "ratio": dice.log_uniform(0.1, 5, k),
    }


def _add(
    dice: Dice, setting: Setting, offices: Offices, loot: Floats, start: Floats,
    **columns: object,
) -> None:  # fmt: skip
    """Add the drain's stream, one a tenant, billed to the tenant's owner."""
    k = offices.heads.size
    scene = offices.scene
    chosen = {
        **_manner(dice, setting, offices),
        "salt": dice.salts(k), "tenant_id": offices.tenant_id, "start": start,
        "span": setting.end - start, "spend": loot, "events": dice.lognormal(6, 0.5, k),
        "floor": 80, "billed": offices.owner, "prompt": dice.salts(k),
        "paid": scene.streams["paid"].to_numpy()[offices.heads], **columns,
    }  # fmt: skip
    flow = streams(k, **chosen)
    scene.streams = pd.concat([scene.streams, flow], ignore_index=True)


def _accuse(scene: Scene, row: Ints) -> None:
    guilty = np.zeros(len(scene.accounts), dtype=bool)
    guilty[row] = True
    level = scene.accounts["population"]
    adjust(scene.accounts, guilty, abusive=True, case="tenant_drain", level=level)


def _named(offices: Offices, kind: str, culprit: Texts) -> Scene:
    offices.scene.tenants = offices.scene.tenants.assign(
        drained=True, culprit_type=kind, culprit=culprit
    )
    return offices.scene
