"""Sign-ups, sessions, closings and keys as contract events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo.dice import Dice, combine, hexes
from demo.hours import HOUR, in_rhythm
from demo.setting import Setting

Events = dict[str, list[pd.DataFrame]]

_VISITOR = (
    "account_id", "start", "span", "rhythm", "tz", "created", "closed", "share2",
    "net", "net2", "salt", "salt2", "lease", "lease2", "second_device", "device_id",
    "device_scheme", "browser", "tenant_id", "method", "mfa",
)  # fmt: skip


def identity(dice: Dice, setting: Setting, accounts: pd.DataFrame) -> Events:
    """Return the events of the accounts' lives, payments and use apart."""
    granted = accounts[accounts["grant"] > 0]
    closed = accounts[accounts["closed"].notna()]
    return {
        "account.created": [_created(setting, accounts)],
        "credit.granted": [
            pd.DataFrame(
                {
                    "account_id": granted["account_id"],
                    "t": granted["created"] + dice.rng.uniform(1, 90, len(granted)),
                    "amount_usd": granted["grant"],
                    "reason": granted["grant_reason"],
                }
            )
        ],
        "account.closed": [
            pd.DataFrame(
                {
                    "account_id": closed["account_id"],
                    "t": closed["closed"],
                    "reason": closed["close_reason"],
                }
            )
        ],
        "session.started": [_sessions(dice, setting, accounts)],
        "limit.raised": [_raised(dice, accounts)],
    }


def _created(setting: Setting, accounts: pd.DataFrame) -> pd.DataFrame:
    clients = setting.clients
    t = accounts["created"].to_numpy()
    columns = [
        "account_id", "email", "phone", "device_id", "device_scheme", "tenant_id",
        "plan", "invited_by", "referral_code",
    ]  # fmt: skip
    net, salt, lease = (accounts[c].to_numpy() for c in ("net", "salt", "lease"))
    upper, lower = setting.networks.addresses(net, salt, lease, t)
    browser = accounts["browser"].to_numpy()
    return accounts[columns].assign(
        t=t,
        ip_upper=upper,
        ip_lower=lower,
        user_agent=clients.user_agent[browser],
        ja4=clients.ja4[browser],
    )


def _sessions(dice: Dice, setting: Setting, accounts: pd.DataFrame) -> pd.DataFrame:
    """The first session follows the sign-up, the others spread over the use."""
    many = accounts["sessions"].to_numpy(dtype=np.int64)
    who = accounts[list(_VISITOR)].iloc[np.repeat(np.arange(len(accounts)), many)]
    first = np.zeros(len(who), dtype=bool)
    first[np.cumsum(many)[many > 0] - many[many > 0]] = True
    t = who["start"].to_numpy() + who["span"].to_numpy() * dice.rng.random(len(who))
    t = in_rhythm(dice, t, who["rhythm"].to_numpy(), who["tz"].to_numpy())
    begun = who["created"].to_numpy() + dice.rng.uniform(1, 120, len(who))
    t = np.where(first, begun, np.maximum(t, begun))
    last = np.fmin(setting.end, who["closed"].fillna(np.inf).to_numpy())
    keep = (t < last) & (t >= 0)
    who, t = who[keep], t[keep]
    away = dice.chance(who["share2"].to_numpy(), len(who))
    net, salt, lease = (
        np.where(away, who[f"{part}2"], who[part]) for part in ("net", "salt", "lease")
    )
    upper, lower = setting.networks.addresses(net, salt, lease, t)
    other = dice.chance(0.35, len(who)) & (who["second_device"] != "").to_numpy()
    browser = who["browser"].to_numpy()
    return pd.DataFrame(
        {
            "account_id": who["account_id"],
            "t": t,
            "tenant_id": who["tenant_id"],
            "device_id": np.where(other, who["second_device"], who["device_id"]),
            "device_scheme": who["device_scheme"],
            "method": who["method"],
            "mfa": who["mfa"],
            "ip_upper": upper,
            "ip_lower": lower,
            "user_agent": setting.clients.user_agent[browser],
            "ja4": setting.clients.ja4[browser],
        }
    )


def _raised(dice: Dice, accounts: pd.DataFrame) -> pd.DataFrame:
    """Limits grow with the first card and now and then by request."""
    chosen = accounts[(accounts["pay"] > 0) & dice.chance(0.5, len(accounts))]
    n = len(chosen)
    begun = np.fmax(chosen["pm_at"], chosen["created"])
    return pd.DataFrame(
        {
            "account_id": chosen["account_id"],
            "t": begun + dice.lognormal(2 * HOUR, 2.0, n),
            "limit_usd": dice.pick((50, 100, 200, 500, 1000), n),
            "reason": dice.pick(("payment_method", "tier", "request"), n, (5, 4, 1)),
        }
    )


def keyring(setting: Setting, keys: pd.DataFrame) -> Events:
    """Return the events of the keys: made, reported, revoked."""
    t = keys["created"].to_numpy()
    net, salt, lease = (keys[c].to_numpy() for c in ("net", "salt", "lease"))
    upper, lower = setting.networks.addresses(net, salt, lease, t)
    columns = ["key_id", "account_id", "tenant_id", "device_id", "scopes", "replaces"]
    made = keys[columns].assign(
        t=t,
        ip_upper=upper,
        ip_lower=lower,
        expires_at=keys["expires"],
        key_hash=np.where(keys["hashed"], key_hashes(keys["key_id"]), ""),
    )
    gone = keys[keys["revoked"].notna()]
    seen = keys[keys["seen_at"].notna()]
    by_hash = (seen["hashed"] & (seen.index % 3 == 0)).to_numpy()
    return {
        "key.created": [made],
        "key.revoked": [
            pd.DataFrame(
                {
                    "key_id": gone["key_id"],
                    "t": gone["revoked"],
                    "reason": gone["revoke_reason"],
                }
            )
        ],
        "key.exposed": [
            pd.DataFrame(
                {
                    "key_id": np.where(by_hash, "", seen["key_id"]),
                    "key_hash": np.where(by_hash, key_hashes(seen["key_id"]), ""),
                    "t": seen["seen_at"],
                    "exposed_at": seen["exposed_at"],
                    "location": seen["location"],
                    "detector": seen["detector"],
                    "verified": seen["verified"],
                }
            )
        ],
    }


def key_hashes(key_id: pd.Series) -> pd.Series:
    """Return what the SHA-256 of each (made-up) raw key looks like."""
    word = [int(k[4:19], 16) for k in key_id]
    parts = [hexes(combine(word, part)) for part in range(4)]
    text = parts[0] + parts[1] + parts[2] + parts[3]
    return pd.Series(text, index=key_id.index, dtype=object)
