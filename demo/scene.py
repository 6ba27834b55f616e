"""A scene: the accounts, keys, streams of use and single events of one population."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo.dice import Dice
from demo.hours import DAY, HOUR
from demo.people import NEVER, adjust
from demo.setting import Setting

STREAM: Mapping[str, object] = {
    "account_id": "", "key_id": "", "tenant_id": "", "device_id": "",
    "start": 0.0, "span": DAY, "events": 1.0, "floor": 2, "spend": 1.0,
    "evenness": 1.0, "burn": 1.0, "rhythm": 0, "tz": 0.0,
    "net": 0, "salt": 0, "lease": DAY, "net2": 0, "salt2": 0, "lease2": DAY,
    "share2": 0.0, "client": 0, "habit": 0, "ratio": 0.3, "prompt": -1, "prompts": 1,
    "errors": 0.0, "recon": 0.0, "limit_hits": 0, "end_users": 0, "end_salt": 0,
    "requests": 1.0, "priced": True, "paid": -1, "region": -1, "billed": "",
    "says_agent": True, "says_hello": True,
}  # fmt: skip
"""A stream is one steady flow of requests; its columns and their defaults.

`start`, `span`: seconds; `spend`: dollars over the whole stream; `events`: how many
records, relative to an ordinary account, at least `floor`; `evenness`: shape of the
gamma distribution of gaps (1 Poisson, large like clockwork); `burn`: above 1 the use
grows towards the end; `share2` of the records come from the second network;
`prompts` different prompt hashes follow `prompt` (-1: none computed); `errors` and
`recon`: shares of failed calls and of probing ones; `limit_hits`: records of status
429 at the very end; `end_users`: how many stand behind the stream; `requests`: mean
requests a record; `paid`: a code of `demo.usage.PAID` (-1: from the account's money);
`billed`: the account whose money it is; `says_agent`, `says_hello`: whether the log
names the user agent and the TLS fingerprint.
"""

KEY: Mapping[str, object] = {
    "key_id": "", "account_id": "", "tenant_id": "", "created": 0.0, "scopes": "",
    "expires": NEVER, "replaces": "", "revoked": NEVER, "revoke_reason": "",
    "seen_at": NEVER, "exposed_at": NEVER, "location": "", "detector": "",
    "verified": False, "replayed": False, "crew_id": "", "first_abuse_at": NEVER,
    "population": "", "net": 0, "salt": 0, "lease": DAY, "device_id": "",
    "hashed": True,
}  # fmt: skip
"""A key; `seen_at` and `exposed_at`: the report of a leak and the leak itself."""

_FATE = (
    "revoked", "revoke_reason", "seen_at", "exposed_at", "location", "detector",
    "verified", "replayed", "crew_id", "first_abuse_at",
)  # fmt: skip

TENANT = ("tenant_id", "drained", "culprit_type", "culprit", "population")


@dataclass
class Scene:
    """What one population brings into the world, each part a frame or empty."""

    accounts: pd.DataFrame = field(default_factory=pd.DataFrame)
    keys: pd.DataFrame = field(default_factory=pd.DataFrame)
    streams: pd.DataFrame = field(default_factory=pd.DataFrame)
    tenants: pd.DataFrame = field(default_factory=pd.DataFrame)
    events: dict[str, list[pd.DataFrame]] = field(default_factory=dict)

    def tell(self, kind: str, events: pd.DataFrame) -> None:
        """Add single events of a contract type; `t` holds their time in seconds."""
        self.events.setdefault(kind, []).append(events)


def join(scenes: Iterable[Scene]) -> Scene:
    """Return all scenes as one."""
    scenes = list(scenes)

    def stacked(name: str) -> pd.DataFrame:
        parts = [getattr(s, name) for s in scenes if len(getattr(s, name))]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    whole = Scene(
        stacked("accounts"), stacked("keys"), stacked("streams"), stacked("tenants")
    )
    for scene in scenes:
        for kind, frames in scene.events.items():
            whole.events.setdefault(kind, []).extend(frames)
    return whole


def streams(n: int, **columns: object) -> pd.DataFrame:
    """Return `n` streams with the given columns, the rest at their defaults."""
    return _filled(STREAM, n, columns)


def keys(dice: Dice, n: int, **columns: object) -> pd.DataFrame:
    """Return `n` keys with the given columns, the rest at their defaults."""
    return _filled(KEY, n, {"key_id": dice.ids("key_", n, 14), **columns})


def _filled(
    defaults: Mapping[str, object], n: int, columns: Mapping[str, object]
) -> pd.DataFrame:
    unknown = set(columns) - set(defaults)
    if unknown:
        raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
    filled = {name: _values(columns.get(name, one)) for name, one in defaults.items()}
    return pd.DataFrame(filled, index=pd.RangeIndex(n))


def _values(column: object) -> object:
    return column.to_numpy() if isinstance(column, pd.Series) else column


def live(dice: Dice, setting: Setting, people: pd.DataFrame) -> Scene:
    """Return the scene in which each of these accounts uses the product itself.

    Those with `api` own one key and call from their server where they have one;
    the others use the site in a browser.
    """
    people = people.reset_index(drop=True)
    begun = people["start"].clip(lower=people["created"] + 30)
    people["start"] = begun.clip(upper=setting.end)
    own = own_streams(dice, people)
    callers = people[people["api"]]
    soon = callers["created"] + 20.0 + dice.lognormal(900.0, 1.5, len(callers))
    made = np.minimum(soon, np.maximum(callers["start"] - 5.0, callers["created"] + 9))
    owned = keys(
        dice,
        len(callers),
        **{name: callers[name] for name in ("account_id", "tenant_id", "population")},
        created=made,
        net=callers["net"],
        salt=callers["salt"],
        lease=callers["lease"],
        device_id=callers["device_id"],
        scopes=dice.pick(("", "all", "model.request", "chat embeddings"), len(callers)),
        hashed=dice.chance(0.85, len(callers)),
        expires=np.where(
            dice.chance(0.12, len(callers)),
            made + dice.pick((90 * DAY, 180 * DAY, 365 * DAY), len(callers)),
            NEVER,
        ),
    )
    own.loc[people["api"].to_numpy(), "key_id"] = owned["key_id"].to_numpy()
    return Scene(accounts=people, keys=owned, streams=own)


def own_streams(dice: Dice, people: pd.DataFrame) -> pd.DataFrame:
    """Return one stream for each account: its user at work, without a key yet."""
    shared = [c for c in STREAM if c in people.columns]
    stream = streams(len(people), **{c: people[c] for c in shared})
    stream["billed"] = people["account_id"].to_numpy()
    api = people["api"].to_numpy()
    server = api & (people["server_net"].to_numpy() >= 0)
    for part in ("net", "salt", "lease"):
        adjust(stream, server, **{f"{part}2": people[part]})
        adjust(stream, server, **{part: people[f"server_{part}"]})
    adjust(stream, server, share2=dice.rng.beta(1, 8, len(people)))
    adjust(stream, api & ~people["says_account"].to_numpy(), account_id="")
    adjust(stream, ~people["says_device"].to_numpy() | server, device_id="")
    adjust(stream, ~api, client=people["browser"])
    # The site's own pages log their sessions, seldom the browser of each request.
    adjust(stream, ~api & dice.chance(0.6, len(people)), says_agent=False)
    return stream


def cut_off(scene: Scene, at: pd.Series) -> None:
    """End each key owner's own use and key at `at`, for accounts that are closed."""
    closes = at[at.notna()]
    billed = scene.streams["billed"].map(closes)
    left = billed - scene.streams["start"] - HOUR / 2
    span = np.maximum(np.minimum(scene.streams["span"], left), 600.0)
    adjust(scene.streams, billed.notna(), span=span)


def rotate(
    dice: Dice, setting: Setting, scene: Scene, ends: NDArray[np.float64]
) -> None:
    """Give each owner whose key ends (its time, or never) another key soon after.

    The owner's own streams go over to the new key, as they were.
    """
    old = scene.keys
    gone = np.flatnonzero(np.asarray(ends < setting.end - HOUR))
    home = scene.accounts.set_index("account_id")["population"]
    again = old.iloc[gone].assign(
        key_id=dice.ids("key_", gone.size, 14),
        replaces=old["key_id"].to_numpy()[gone],
        created=ends[gone] + dice.lognormal(0.3 * HOUR, 1.0, gone.size),
        population=old["account_id"].iloc[gone].map(home),
    )
    fresh = keys(dice, gone.size)
    for name in _FATE:
        again[name] = fresh[name].to_numpy()
    old_end = dict(zip(again["replaces"], ends[gone], strict=True))
    born = dict(zip(again["replaces"], again["created"], strict=True))
    follow = dict(zip(again["replaces"], again["key_id"], strict=True))
    flow = scene.streams
    mine = flow["key_id"].isin(follow) & (flow["billed"] != "")
    own = flow[mine]
    stop = own["start"] + own["span"]
    ends_at = own["key_id"].map(old_end).astype(float)
    begins_at = own["key_id"].map(born).astype(float) + 30
    before = _part(own, own["start"], stop.clip(upper=ends_at))
    after = _part(own, own["start"].clip(lower=begins_at), stop)
    after["key_id"] = after["key_id"].map(follow)
    scene.keys = pd.concat([old, again], ignore_index=True)
    scene.streams = pd.concat([flow[~mine], before, after], ignore_index=True)


def _part(
    flow: pd.DataFrame, start: pd.Series[float], stop: pd.Series[float]
) -> pd.DataFrame:
    """Return the part of each stream within its period, if that lasts a minute."""
    share = ((stop - start) / flow["span"]).clip(0, 1)
    part = flow.assign(start=start, span=stop - start)
    for name in ("spend", "events"):
        part[name] *= share
    part["floor"] = np.ceil(part["floor"] * share).astype(int)
    return part[part["span"] > 60].copy()
