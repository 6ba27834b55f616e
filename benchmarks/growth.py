"""How the time and memory of linking grow with the number of accounts.

A power law `cost = a * accounts ** exponent` is fitted by least squares in logarithms:
1 is linear, 2 would be every pair of accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.measure import Figure

_LEAST_SIZES = 2
COSTS: Mapping[str, Callable[[Figure], float]] = {
    "processor time": lambda figure: figure.more["work"],
    "peak memory": lambda figure: figure.peak_mb,
}


def exponents(figures: Sequence[Figure], work: str = "ringfence") -> dict[str, float]:
    """The exponent of each cost over the sizes at which `work` was measured.

    Empty where that was one size only.
    """
    found = [one for one in figures if one.work == work and "work" in one.more]
    if len({one.size for one in found}) < _LEAST_SIZES:
        return {}
    sizes = np.log([one.size for one in found])
    return {
        name: float(np.polyfit(sizes, np.log([cost(one) for one in found]), 1)[0])
        for name, cost in COSTS.items()
    }
