"""How well one partition of accounts recovers another: pairwise and B-cubed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
ALONE = -1


@dataclass(frozen=True)
class Quality:
    """Precision and recall over pairs of accounts, and over accounts (B-cubed).

    `astray` counts the accounts that truly stand alone and were put into a cluster
    of five or more, the size from which a cluster is worth an investigator's look.
    """

    pair_precision: float
    pair_recall: float
    b_precision: float
    b_recall: float
    astray: int

    @property
    def pair_f1(self) -> float:
        """Harmonic mean of the pairwise precision and recall."""
        return _harmonic(self.pair_precision, self.pair_recall)

    @property
    def b_f1(self) -> float:
        """Harmonic mean of the B-cubed precision and recall."""
        return _harmonic(self.b_precision, self.b_recall)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def alone_as_own(labels: Ints) -> Ints:
    """The same partition with each `ALONE` account in a group of its own."""
    single = labels == ALONE
    own = int(labels.max(initial=ALONE)) + 1 + np.arange(int(single.sum()))
    result = labels.copy()
    result[single] = own
    return result


def compare(found: Ints, truth: Ints) -> Quality:
    """Judge `found` against `truth`: one group number an account, same order.

    `ALONE` marks an account that belongs to nobody. B-cubed is Bagga and Baldwin's
    (1998), averaged over every account with equal weight. Pairwise precision of a
    partition without pairs is 1.
    """
    if found.size == 0 or found.size != truth.size:
        raise ValueError(f"{found.size} found and {truth.size} true labels to compare")
    found_of, found_size = _groups(alone_as_own(found))
    truth_of, truth_size = _groups(alone_as_own(truth))
    cell, cell_size = _groups(found_of * truth_size.size + truth_of)
    together = cell_size[cell].astype(float)
    both = _pairs(cell_size)
    made, wanted = _pairs(found_size), _pairs(truth_size)
    astray = (truth == ALONE) & (found_size[found_of] >= 5)
    return Quality(
        pair_precision=both / made if made else 1.0,
        pair_recall=both / wanted if wanted else 1.0,
        b_precision=float(np.mean(together / found_size[found_of])),
        b_recall=float(np.mean(together / truth_size[truth_of])),
        astray=int(astray.sum()),
    )


def _groups(labels: Ints) -> tuple[Ints, Ints]:
    _, dense, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return dense.astype(np.int64), sizes.astype(np.int64)


def _pairs(sizes: Ints) -> float:
    return float((sizes * (sizes - 1) // 2).sum())
