"""The tails against SciPy's distributions, which take long to import."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, poisson

from graph.surprise import surprise_among, surprise_within


def test_the_tail_of_shares_is_the_binomial_one() -> None:
    dice = np.random.default_rng(1)
    trials = dice.integers(0, 400, 5_000).astype(float)
    hits = np.floor(dice.random(5_000) * (trials + 1))
    for usual in (0.001, 0.03, 0.4, 0.97):
        assert surprise_among(hits, trials, usual) == pytest.approx(
            -binom.logsf(hits - 1, trials, usual), rel=1e-9
        )


def test_no_hit_is_no_surprise() -> None:
    assert surprise_among(np.zeros(2), np.array([0.0, 9.0]), 0.3).tolist() == [0, 0]


def test_the_tail_of_arrivals_is_that_of_poisson() -> None:
    dice = np.random.default_rng(2)
    count = dice.integers(1, 60, 5_000).astype(float)
    expected = dice.random(5_000) * 30 + 1e-6
    assert surprise_within(count, expected) == pytest.approx(
        -poisson.logsf(count - 1, expected), rel=1e-9
    )
