"""What people decided teaches the probability: Platt's scaling, or isotonic with more.

Below `LEAST_REVIEWS` of either verdict nothing is changed: a handful of decisions,
taken of the top of the queue, says more about the queue than about the accounts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_REVIEWS = 50
# Isotonic regression overfits below some thousand labels (Niculescu-Mizil and Caruana).
ISOTONIC_FROM = 1000


def recalibrated(score: Floats, reviewed: pd.Series[str]) -> Floats:
    """Probabilities after the reviews (`abusive`, `legitimate`, or empty).

    `score` is the uncalibrated probability of each account, 0 to 1. Order is kept:
    both methods are monotone.
    """
    known = reviewed.isin(["abusive", "legitimate"]).to_numpy()
    truth = (reviewed == "abusive").to_numpy()[known]
    if min(truth.sum(), (~truth).sum()) < LEAST_REVIEWS:
        return score
    method = _isotonic if truth.size >= ISOTONIC_FROM else _platt
    return method(score, known, truth)


# scikit-learn takes more time to import than a small run to detect, and few runs have
# so many reviews.
def _isotonic(score: Floats, known: Flags, truth: Flags) -> Floats:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip")
    model.fit(score[known], truth)
    return np.asarray(model.predict(score))


def _platt(score: Floats, known: Flags, truth: Flags) -> Floats:
    from sklearn.linear_model import LogisticRegression

    odds = logit(np.clip(score, 1e-6, 1 - 1e-6)).reshape(-1, 1)
    scaling = LogisticRegression(C=1.0).fit(odds[known], truth)
    if scaling.coef_[0, 0] <= 0:
        return score
    return np.asarray(scaling.predict_proba(odds)[:, 1])
