"""Accounts and the identifiers they share: what every linking method is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graph.link import Edges

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sharing:
    """One data set to link: `accounts` of them, created when, on which identifiers.

    `edges` holds identifiers of two accounts or more; `created` is in seconds.
    """

    accounts: int
    edges: Edges
    created: Floats

    def pairs(self, most: int) -> tuple[Ints, Ints]:
        """Each pair of accounts once that share an identifier of at most `most`."""
        degree = self.edges.degree
        low, high = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        usable = degree[self.edges.identifier] <= most
        account, identifier = (
            self.edges.account[usable],
            self.edges.identifier[usable],
        )
        for step in range(1, most):
            same = identifier[:-step] == identifier[step:]
            one, other = account[:-step][same], account[step:][same]
            low.append(np.minimum(one, other))
            high.append(np.maximum(one, other))
        packed = np.unique(
            np.concatenate(low) * np.int64(self.accounts) + np.concatenate(high)
        )
        return packed // self.accounts, packed % self.accounts


def gather(frame: pd.DataFrame, created: Floats) -> Sharing:
    """Number the identifiers of `frame` (columns account, kind, identifier).

    `account` indexes `created`; an identifier that only one account shows is left
    out, a repeated row counts once.
    """
    frame = frame.drop_duplicates(["account", "kind", "identifier"])
    shown = frame.groupby(["kind", "identifier"])["account"].transform("size")
    frame = frame[shown >= 2]
    number = frame.groupby(["kind", "identifier"], sort=True).ngroup().to_numpy()
    account = frame["account"].to_numpy().astype(np.int64)
    order = np.lexsort((account, created[account], number))
    names = frame[["kind", "identifier"]].drop_duplicates()
    names = names.sort_values(["kind", "identifier"], ignore_index=True)
    return Sharing(
        len(created),
        Edges(account[order], number[order].astype(np.int64), names),
        created,
    )
