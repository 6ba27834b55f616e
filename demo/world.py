"""Make a labelled world: events by the contract, and who did what behind them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from demo import billing, identity, names, usage
from demo.cast import cast
from demo.dice import Ints
from demo.hours import EPOCH
from demo.scene import Scene
from demo.setting import Setting, settle
from demo.shape import Shape
from demo.write import Writer

_CHUNK: Final = 1_000_000
_OTHER_EVENTS: Final = 8
"""Events of an account besides its use, about."""


@dataclass(frozen=True)
class World:
    """A made world: where its files lie and how many events of each type it has."""

    folder: Path
    events: tuple[Path, ...]
    labels: Path
    key_labels: Path
    tenant_labels: Path
    counts: dict[str, int]


def make(
    folder: Path,
    accounts: int = 5000,
    seed: int = 0,
    abusive_share: float = 0.08,
    days: int = 60,
    shape: Shape | None = None,
) -> World:
    """Write a world of so many accounts below `folder` and return where it lies.

    `abusive_share` of the accounts abuse; keys stolen and tenants drained grow with
    it. The log runs for `days` from 2026-03-01. The same arguments give the same
    bytes. Raises ValueError for numbers that make no world.
    """
    shape = shape or Shape()
    shape.check(accounts, abusive_share, days)
    setting = settle(accounts, days, seed)
    scene = cast(setting, abusive_share, shape)
    told = zlib.crc32(repr((accounts, seed, abusive_share, days, shape)).encode())
    writer = Writer(folder / "events", f"{told:08x}", setting.end)
    people = scene.accounts
    keep = people["same_mail"].to_numpy(dtype=bool)
    people["email"] = names.unrepeated(people["email"].to_numpy(dtype=object), keep)
    counts = _tell(setting, scene, writer, shape)
    files = writer.finish(shape.formats)
    return World(folder, tuple(files), *_labels(folder, scene, setting), counts=counts)


def _tell(
    setting: Setting, scene: Scene, writer: Writer, shape: Shape
) -> dict[str, int]:
    dice = setting.dice("events")
    accounts = scene.accounts.set_index("account_id", drop=False)
    streams = scene.streams.sort_values("billed", kind="stable", ignore_index=True)
    clients = setting.clients
    writer.lookups(
        streams,
        pd.DataFrame(
            {
                "code": np.arange(clients.ja4.size),
                "user_agent": clients.user_agent,
                "ja4": clients.ja4,
            }
        ),
    )
    total = int(setting.accounts * max(shape.mean_events - _OTHER_EVENTS, 2))
    count = usage.counts(dice, streams, total)
    used, charges = 0, []
    for number, (start, stop) in enumerate(_chunks(streams["billed"], count)):
        part, own = streams.iloc[start:stop], setting.dice(f"usage {number}")
        records = usage.expand(own, setting, part, count[start:stop])
        charges.append(billing.settle_up(own, records, part, accounts))
        writer.use(records, start)
        used += len(records)
    events = [
        identity.identity(dice, setting, scene.accounts),
        identity.keyring(setting, scene.keys),
        billing.payments(dice, setting, accounts, pd.concat(charges)),
        scene.events,
    ]
    told: dict[str, list[pd.DataFrame]] = {}
    for group in events:
        for kind, frames in group.items():
            told.setdefault(kind, []).extend(frames)
    counts = {kind: writer.tell(kind, frames) for kind, frames in told.items()}
    return {"usage.recorded": used, **counts}


def _chunks(billed: pd.Series, count: Ints) -> list[tuple[int, int]]:
    """Cut the streams into parts of about a million records, never inside a payer."""
    before = np.cumsum(count) - count
    payer = billed.to_numpy(dtype=object)
    new = np.r_[True, payer[1:] != payer[:-1]]
    # A part may begin where a payer does; nobody pays for the streams without one.
    may = np.flatnonzero(new | (payer == ""))
    part = before[may] // _CHUNK
    starts = may[np.r_[True, part[1:] != part[:-1]]]
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(count)], strict=True))


def _labels(folder: Path, scene: Scene, setting: Setting) -> tuple[Path, Path, Path]:
    accounts = scene.accounts[
        ["account_id", "abusive", "ring_id", "case", "level", "population", "victim"]
    ]
    keys = scene.keys.assign(exposed=scene.keys["seen_at"] < setting.end)
    seconds = pd.to_timedelta(keys["first_abuse_at"].round(), unit="s")
    keys["first_abuse_at"] = (EPOCH + seconds).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    columns = [
        "key_id", "account_id", "replayed", "exposed", "crew_id", "first_abuse_at",
        "population",
    ]  # fmt: skip
    tenants = scene.tenants
    return (
        _save(accounts, "account_id", folder / "labels.csv"),
        _save(keys[columns], "key_id", folder / "key_labels.csv"),
        _save(tenants, "tenant_id", folder / "tenant_labels.csv"),
    )


def _save(labels: pd.DataFrame, order: str, path: Path) -> Path:
    labels = labels.sort_values(order)
    flags = labels.select_dtypes("bool").columns
    for flag in flags:
        labels[flag] = labels[flag].map({True: "true", False: "false"})
    labels.to_csv(path, index=False, lineterminator="\n")
    return path
