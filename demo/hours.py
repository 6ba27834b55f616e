"""When things happen: the world's epoch, waking hours, working weeks, machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import numpy as np

from demo.dice import Dice, Floats, Ints

EPOCH: Final = datetime(2026, 3, 1, tzinfo=UTC)
"""Second 0 of every world, a Sunday; times are seconds since then."""

MINUTE: Final = 60.0
HOUR: Final = 3_600.0
DAY: Final = 86_400.0

ANY, WAKING, OFFICE, NIGHT, BATCH = range(5)
"""Rhythms: round the clock, waking hours, office hours, nights, one nightly run."""

_DENSITY = np.array(
    [
        [1] * 24,
        [2, 1, 0.5, 0.3, 0.3, 0.5, 1, 2, 4, 6, 7, 7, 6, 6, 7, 7, 7, 6, 6, 7, 8, 8, 6,
         4],
        [0.2, 0.1, 0, 0, 0, 0.1, 0.4, 2, 6, 9, 10, 9, 6, 7, 9, 9, 8, 5, 2, 1, 1, 1, 0.6,
         0.3],
        [9, 10, 10, 9, 7, 4, 1, 0.5, 0.2, 0.2, 0.2, 0.3, 0.4, 0.4, 0.4, 0.5, 0.5, 1, 1,
         2, 3, 5, 7, 8],
        [0, 3, 30, 20, 5, 1, *([0.02] * 18)],
    ]
)  # fmt: skip
_CUMULATED = np.cumsum(_DENSITY, axis=1) / _DENSITY.sum(axis=1, keepdims=True)


def in_rhythm(dice: Dice, t: Floats, rhythm: Ints, tz: Floats) -> Floats:
    """Move times within their local day to hours that the rhythm prefers.

    Work of the office rhythm that falls on a weekend mostly moves to a weekday before
    it. `tz` is the offset from UTC in hours.
    """
    local = t + tz * HOUR
    day = np.floor(local / DAY)
    draw = dice.rng.random(t.size)
    hour = np.empty(t.size)
    for kind in range(len(_DENSITY)):
        mine = rhythm == kind
        place = np.searchsorted(_CUMULATED[kind], draw[mine])
        hour[mine] = np.minimum(place, 23) + dice.rng.random(int(mine.sum()))
    # Day 0 is a Sunday, day 6 a Saturday.
    weekend = (rhythm == OFFICE) & np.isin(day % 7, (0, 6)) & dice.chance(0.9, t.size)
    day = np.where(weekend, day - dice.rng.integers(1, 5, t.size) - (day % 7 == 0), day)
    moved = day * DAY + hour * HOUR - tz * HOUR
    return np.where(rhythm == ANY, t, moved)
