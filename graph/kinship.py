"""Soft links: accounts that share no identifier but one operator's habits.

A ring that rotates addresses, devices and cards still fills in the same form with the
same script: the pattern of its mail names, the client it speaks through, the referral
code, the size of its requests, the pace of its sign-ups. Only accounts that consumed
without paying are compared, so that an innocent habit never links anyone. Each pair
is scored by Fellegi and Sunter: ln(how often kin agree / how often strangers do), the
second read off the whole population, capped by family of evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graph.link import usual_span

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trait:
    """One habit: its family, the most it may say, the price of differing."""

    column: str
    family: str
    most: float
    differing: float


TRAITS: tuple[Trait, ...] = (
    Trait("email_template", "contact", 2.0, 0.0),
    Trait("email_structure", "contact", 2.0, -1.0),
    Trait("email_host", "contact", 2.5, -0.5),
    Trait("email_stem", "contact", 5.0, 0.0),
    Trait("email_skeleton", "contact", 5.0, 0.0),
    Trait("sign_up_agent", "device", 3.0, -0.4),
    Trait("sign_up_ja4", "device", 3.0, -0.4),
    Trait("api_agent", "device", 2.5, -0.5),
    Trait("api_ja4", "device", 2.0, -0.3),
    Trait("model", "behaviour", 2.0, -0.7),
    Trait("endpoint", "behaviour", 1.0, -0.3),
    Trait("prompt", "behaviour", 4.0, -0.4),
    Trait("referral_code", "social", 1.5, -0.1),
    Trait("invited_by", "social", 1.5, 0.0),
    Trait("ip_prefix", "network", 1.5, 0.0),
    Trait("ip_country", "network", 0.8, -0.2),
    Trait("ip_class", "network", 0.5, -0.1),
)

CAPS: dict[str, float] = {
    "contact": 4.0, "device": 4.0, "behaviour": 5.0, "social": 1.5, "network": 1.5,
    "timing": 2.5,
}  # fmt: skip

# Logarithms of what an account did; kin lie this close, in natural log units.
SHAPES: dict[str, float] = {
    "requests": 0.25, "input_mean": 0.15, "output_mean": 0.15, "burn_hours": 0.5,
}  # fmt: skip

# Tokens under which candidates meet; each account meets its next few in time.
_BLOCKS: tuple[tuple[str, ...], ...] = (
    ("prompt",),
    ("referral_code",),
    ("email_stem",),
    ("email_skeleton",),
    ("email_template", "sign_up_agent"),
    ("email_structure", "email_host", "model"),
    ("api_agent", "email_structure"),
    ("sign_up_ja4", "model"),
    ("sign_up_agent", "model"),
    ("email_host", "model"),
    ("ip_prefix",),
)
_NEXT = 6
LINKS_ABOVE = 9.0
LEAST_KIN = 3
# A crowd of which fewer took than this came for something else.
PURE = 0.8
# What an event explains at the most: one hour, one venue, one invitation, one task.
_EXPLAINED = 3.0
_EVENT_SECONDS = 3 * 86400


@dataclass(frozen=True)
class Kin:
    """Scored pairs of accounts: indices, nats in all and by family."""

    left: Ints
    right: Ints
    score: Floats
    families: dict[str, Floats]


def find_kin(profiles: pd.DataFrame, suspects: npt.NDArray[np.bool_]) -> Kin:
    """All pairs of suspects whose habits agree by more than `LINKS_ABOVE` nats."""
    traits = _traits(profiles, suspects)
    left, right = _candidates(traits, suspects)
    families = {name: np.zeros(left.size) for name in CAPS}
    for trait in TRAITS:
        families[trait.family] += _agreement(traits, trait, left, right)
    families["behaviour"] += _same_shape(profiles, suspects, left, right)
    families["timing"] += _close_in_time(traits, left, right)
    for name, most in CAPS.items():
        families[name] = np.minimum(families[name], most)
    _explain_events(profiles, suspects, families, left, right)
    score = np.asarray(sum(families.values()))
    speaking = sum((values >= 1.0).astype(int) for values in families.values())
    # An event brings many people at once to one invitation, network, model and
    # starter prompt. What it does not give them is one pattern of mail names or one
    # rare client, so one of these must agree.
    script = (families["contact"] >= 1.5) | (
        (families["device"] >= 2.0) & (families["behaviour"] >= 1.5)
    )
    kept = (score >= LINKS_ABOVE) & (np.asarray(speaking) >= 3) & script
    kept = _dense(left, right, kept, len(profiles))
    return Kin(
        left[kept],
        right[kept],
        score[kept],
        {name: values[kept] for name, values in families.items()},
    )


def _dense(
    left: Ints, right: Ints, kept: npt.NDArray[np.bool_], size: int
) -> npt.NDArray[np.bool_]:
    """Of the kept pairs those whose accounts both have `LEAST_KIN` kin among them.

    A script leaves many that resemble each other; two strangers who do are chance.
    """
    while True:
        ends = np.concatenate([left[kept], right[kept]])
        enough = np.bincount(ends, minlength=size) >= LEAST_KIN
        denser = kept & enough[left] & enough[right]
        if denser.sum() == kept.sum():
            return denser
        kept = denser


def _traits(profiles: pd.DataFrame, suspects: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """The habits to compare; a school's or firm's own naming scheme is not one.

    A domain of one's own speaks only where nearly all of its accounts took.
    """
    traits = profiles[
        [trait.column for trait in TRAITS if trait.column in profiles]
    ].copy()
    traits["email_host"] = profiles["email_domain"]
    guilty = _purity(profiles["email_domain"], suspects) >= PURE
    given = (profiles["email_class"] == "university") | (
        (profiles["email_class"] == "own") & ~guilty
    )
    names = [
        "email_template", "email_structure", "email_host", "email_stem",
        "email_skeleton",
    ]  # fmt: skip
    traits.loc[given, names] = None
    traits["moment"] = _moment(profiles)
    return traits


def _moment(profiles: pd.DataFrame) -> pd.Series[int]:
    """Sign-up in seconds since the epoch, or the first sign of life."""
    created = profiles["created_at"].fillna(profiles["first_seen"])
    return created.astype("datetime64[s]").astype("int64")


def _purity(
    values: pd.Series[str], suspects: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Share of suspects among all accounts with the same value; 0 below five."""
    groups = pd.Series(suspects.astype(float)).groupby(values)
    share = values.map(groups.mean()).where(values.map(groups.size()) >= 5, 0.0)
    return share.fillna(0.0).to_numpy(dtype=float)


def _candidates(
    traits: pd.DataFrame, suspects: npt.NDArray[np.bool_]
) -> tuple[Ints, Ints]:
    chosen = traits[suspects]
    pairs = [*_neighbours(chosen)]
    if not pairs:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    left = np.concatenate([pair[0] for pair in pairs])
    right = np.concatenate([pair[1] for pair in pairs])
    low, high = np.minimum(left, right), np.maximum(left, right)
    packed = np.unique(low * np.int64(len(traits)) + high)
    return packed // len(traits), packed % len(traits)


def _neighbours(chosen: pd.DataFrame) -> Iterator[tuple[Ints, Ints]]:
    for block in _BLOCKS:
        rows = chosen.dropna(subset=list(block)).sort_values("moment", kind="stable")
        if len(rows) < 2:
            continue
        token = rows.groupby(list(block), sort=True).ngroup().to_numpy()
        order = np.argsort(token, kind="stable")
        index = rows.index.to_numpy()[order]
        token = token[order]
        for step in range(1, _NEXT + 1):
            same = token[:-step] == token[step:]
            yield index[:-step][same], index[step:][same]


def _agreement(traits: pd.DataFrame, trait: Trait, left: Ints, right: Ints) -> Floats:
    codes, values = pd.factorize(traits[trait.column])
    if not len(values):
        return np.zeros(left.size)
    counts = np.bincount(codes[codes >= 0], minlength=len(values)).astype(float)
    # Two is the least a shared value can count; the rest of the population backs it.
    frequency = np.maximum(counts, 2.0) / max(float((codes >= 0).sum()), 2.0)
    surprise = np.clip(np.log(0.9 / frequency), 0.0, trait.most)
    both = (codes[left] >= 0) & (codes[right] >= 0)
    same = codes[left] == codes[right]
    return np.where(both, np.where(same, surprise[codes[left]], trait.differing), 0.0)


def _explain_events(
    profiles: pd.DataFrame,
    suspects: npt.NDArray[np.bool_],
    families: dict[str, Floats],
    left: Ints,
    right: Ints,
) -> None:
    """Take back what a common event gives two people, in place.

    An invitation, referral or network that many others share who took nothing is an
    event: a hackathon, a class, a campus. It explains the hour, the place and the use.
    """
    event = np.zeros(left.size, dtype=bool)
    window = (_moment(profiles) // _EVENT_SECONDS).astype(str)
    for column in ("invited_by", "referral_code", "ip_prefix"):
        value = profiles[column].astype("string")
        met = (value + "\x1f" + window).where(value.notna())
        codes, _ = pd.factorize(met)
        mixed = _purity(met, suspects) < PURE
        event |= (codes[left] >= 0) & (codes[left] == codes[right]) & mixed[left]
    explained = ("behaviour", "timing", "social", "network")
    total = np.asarray(sum(np.maximum(families[name], 0.0) for name in explained))
    keep = np.where(event, np.minimum(1.0, _EXPLAINED / np.maximum(total, 1e-9)), 1.0)
    for name in explained:
        families[name] = np.where(
            families[name] > 0, families[name] * keep, families[name]
        )


def _same_shape(
    profiles: pd.DataFrame,
    suspects: npt.NDArray[np.bool_],
    left: Ints,
    right: Ints,
) -> Floats:
    """ln of the density of the difference among kin over that among strangers."""
    nats = np.zeros(left.size)
    requests = profiles["requests"].to_numpy()
    hours = (profiles["last_use"] - profiles["first_use"]).dt.total_seconds() / 3600
    values = {
        "requests": requests,
        "input_mean": profiles["input_tokens"].to_numpy() / np.maximum(requests, 1),
        "output_mean": profiles["output_tokens"].to_numpy() / np.maximum(requests, 1),
        "burn_hours": hours.fillna(0).to_numpy() + 0.25,
    }
    known = requests > 1
    for name, width in SHAPES.items():
        logs = np.log(np.maximum(values[name], 1e-3))
        usable = known & suspects
        spread = max(_spread(logs[usable]), 2 * width)
        gap = logs[left] - logs[right]
        ratio = (
            np.log(spread / width) - gap**2 / (2 * width**2) + gap**2 / (2 * spread**2)
        )
        nats += np.where(known[left] & known[right], np.maximum(ratio, -1.0), 0.0)
    return np.clip(nats, -2.0, 4.0)


def _spread(values: Floats) -> float:
    """Standard deviation of a difference of two, from the quartiles."""
    if values.size < 4:
        return 0.0
    low, high = np.quantile(values, [0.25, 0.75])
    return float((high - low) / 1.349 * np.sqrt(2))


def _close_in_time(traits: pd.DataFrame, left: Ints, right: Ints) -> Floats:
    """Sign-ups an hour or a day apart against sign-ups anywhere in the log."""
    moment = traits["moment"].to_numpy()
    span = max(usual_span(moment.astype(float)), 86400.0)
    gap = np.abs(moment[left] - moment[right]).astype(float)
    kin = (
        0.5 * np.exp(-gap / 7200) / 7200
        + 0.4 * np.exp(-gap / 172800) / 172800
        + 0.1 / span
    )
    strangers = 2 * np.maximum(span - gap, 0.05 * span) / span**2
    return np.asarray(np.log(kin / strangers))
