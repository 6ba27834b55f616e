"""How surprising a count would be by chance alone, in nats: -ln of its upper tail."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammainc

Floats = npt.NDArray[np.float64]


def surprise_among(hits: Floats, trials: Floats, usual: float) -> Floats:
    """Nats against `hits` or more of `trials`, where each hits with chance `usual`.

    All are whole numbers held as floats, 0 <= hits <= trials. The binomial tail is
    the regularised incomplete beta function (NIST DLMF 8.17.5).
    """
    some = hits > 0
    tail = betainc(np.where(some, hits, 1.0), trials - hits + 1, usual)
    return _nats(np.where(some, tail, 1.0))


def surprise_within(count: Floats, expected: Floats) -> Floats:
    """Nats against `count` or more arrivals where `expected` are usual.

    `count` is at least one. The Poisson tail is the regularised incomplete gamma
    function (NIST DLMF 8.4.10).
    """
    return _nats(gammainc(count, expected))


def _nats(tail: Floats) -> Floats:
    """Infinite where the tail is too small for a float; callers cap their weights."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(tail))
