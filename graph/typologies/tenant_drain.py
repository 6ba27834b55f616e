"""One operator exhausts a tenant's quota behind normal-looking traffic.

A dominant consumer is normal: in real traces one client takes 29 to 52 % of the rate.
So share alone is no evidence; a share that climbs out of its own history, runs round
the clock like a machine, and comes without a person behind it, is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from graph.typologies.evidence import Evidence, Flags

# Detection formula F16 asks for at least $50 and a twentieth of the tenant; from the
# day of its turn on, what exhausts a quota takes a quarter of it or more.
LEAST_LOSS_USD = 50.0
LEAST_SHARE = 0.25
# A drain adds to what the tenant uses; a share that climbs while the whole shrinks is
# what others left.
GROWS = 1.1
# One busy day is a deadline.
LEAST_DAYS = 2
# Below this part of its quota's pace a tenant is not being exhausted.
QUOTA_PACE = 0.55
# A reseller's customers bring a system prompt each; a product has its own few.
MANY_PROMPTS = 10
# People's requests come in bursts: their gaps vary by more than their mean.
MACHINE_BEAT = 0.3
# More end users than a team has behind one credential.
CROWD = 20
# People leave their eight quietest hours almost empty; what never sleeps puts a third
# of its requests there. Above this it is no working day.
NEVER_SLEEPS = 0.06


def detect(candidates: pd.DataFrame) -> list[Evidence]:
    """Evidence against each candidate culprit of `graph.tenant_frame`."""
    return [
        *_climb(candidates),
        *_machine(candidates),
        *_people(candidates),
        *_harm(candidates),
    ]


def is_machine(candidates: pd.DataFrame) -> Flags:
    """Whether a candidate keeps a beat day and night, as no crowd of people does."""
    quiet = candidates["quiet_share"].fillna(0.0).to_numpy()
    beat = candidates["gap_variation"].to_numpy() < MACHINE_BEAT
    return np.asarray(beat & (quiet >= NEVER_SLEEPS))


def _climb(candidates: pd.DataFrame) -> Iterator[Evidence]:
    share = candidates["recent_share"].to_numpy()
    before = candidates["before_share"].to_numpy()
    climb = np.log((share + 0.02) / (before + 0.02))
    grown = (
        candidates["whole_recent_pace"] / candidates["whole_before_pace"]
    ).to_numpy()
    # Addresses come and go by themselves, and a new colleague is nothing strange.
    place = (candidates["culprit_type"] == "ip").to_numpy()
    # Half a dollar a day is hardly use.
    pace = (candidates["recent_pace"] + 0.5) / (candidates["before_pace"] + 0.5)
    faster = np.where(share >= 0.25, np.log(pace), 0.0)
    climbing = np.clip(np.maximum(1.5 * climb, faster), -2.0, np.where(place, 1.5, 3.0))
    spent = (candidates["recent_usd"] > 0).to_numpy()
    yield Evidence(
        "share_climbs",
        "behaviour",
        np.where(spent, climbing * np.where(grown >= GROWS, 1.0, 0.4), 0.0),
        "Its share of the tenant's use rose from {before:.0%} to {share:.0%}, and "
        "the tenant used {grown:.1f} times as much from then on.",
        {"before": before, "share": share, "grown": grown},
    )
    novel = candidates["culprit_type"].isin(["key", "end_user"]).to_numpy()
    first = (candidates["before_usd"] <= 0).to_numpy()
    yield Evidence(
        "new_here",
        "key",
        np.where(first & novel & (share >= 0.2), 1.5, 0.0),
        "The tenant did without it before; it has taken {share:.0%} since.",
        {"share": share},
    )
    yield Evidence(
        "always_so",
        "benign",
        np.where(before >= 0.6 * share, -5.0, 0.0),
        "It always took about this share.",
    )


def _machine(candidates: pd.DataFrame) -> Iterator[Evidence]:
    quiet = candidates["quiet_share"].fillna(0.0).to_numpy()
    regular = candidates["gap_variation"].to_numpy()
    busy = candidates["requests"].to_numpy() >= 50
    person = candidates["is_person"].to_numpy(dtype=bool)
    yield Evidence(
        "round_the_clock",
        "timing",
        np.where(busy, np.minimum(2.0 * quiet / NEVER_SLEEPS, 2.0), 0.0),
        "It hardly sleeps: {quiet:.0%} of its requests fall in its eight quietest "
        "hours.",
        {"quiet": quiet},
    )
    yield Evidence(
        "machine_regular",
        "behaviour",
        np.where(busy & (regular < 0.4), 2.0, 0.0),
        "Its requests come as regularly as a machine's (variation {cv:.2f}).",
        {"cv": regular},
    )
    yield Evidence(
        "nobody_behind_it",
        "device",
        np.where(busy & person & (candidates["sessions"].to_numpy() == 0), 1.0, 0.0),
        "Nobody signed in while it ran.",
    )


def _people(candidates: pd.DataFrame) -> Iterator[Evidence]:
    crowd = candidates["end_users"].to_numpy()
    prompts = candidates["prompts"].to_numpy()
    many = crowd >= CROWD
    machine = is_machine(candidates)
    broken = candidates["control_broken"].to_numpy(dtype=bool)
    yield Evidence(
        "looks_like_a_launch",
        "benign",
        np.where(many & (prompts < MANY_PROMPTS) & ~broken & ~machine, -6.0, 0.0),
        "{crowd:.0f} end users ask it through the same few prompts: a product was "
        "launched.",
        {"crowd": crowd},
    )
    yield Evidence(
        "crowd_behind_one",
        "contact",
        np.where(many & (prompts >= MANY_PROMPTS), 2.0, 0.0),
        "{crowd:.0f} end users stand behind it, with {prompts:.0f} system prompts of "
        "their own.",
        {"crowd": crowd, "prompts": prompts},
    )
    yield Evidence(
        "control_broken",
        "key",
        np.where(broken, 3.0, 0.0),
        "It runs on a key that a member who left, or nobody, owns.",
    )


def _harm(candidates: pd.DataFrame) -> Iterator[Evidence]:
    """The quota is what a drain takes: without a threat to it there is no harm."""
    share = candidates["recent_share"].to_numpy()
    spent = candidates["recent_usd"].to_numpy()
    lasting = (candidates["recent_days"] >= LEAST_DAYS).to_numpy()
    pace = candidates["quota_pace"].to_numpy(dtype=float)
    # Where no quota is known, only what runs like a machine can be exhausting one.
    threatened = np.where(np.isnan(pace), is_machine(candidates), pace >= QUOTA_PACE)
    threatened |= (candidates["limit_hits"] > 0).to_numpy()
    took = (spent >= LEAST_LOSS_USD) & (share >= LEAST_SHARE) & lasting & threatened
    yield Evidence(
        "quota_consumed",
        "harm",
        np.where(took, np.clip(2.0 * (share - 0.1) + 1.0, 0.0, 3.0), 0.0),
        "It took ${spent:.2f} of the tenant's quota, {share:.0%} of all that was used.",
        {"spent": spent, "share": share, "quota_pace": pace},
    )
