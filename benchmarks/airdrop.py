"""Real farms: the accounts of one airdrop, linked by whom they traded coins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.quality import ALONE
from benchmarks.sharing import Ints, Sharing, gather

SOURCES = ("report", "transfer_graph")


@dataclass(frozen=True)
class Truth:
    """The labelled accounts under test: their indices and their true groups."""

    name: str
    account: Ints
    group: Ints


def load(folder: Path) -> tuple[Sharing, list[Truth]]:
    """Read accounts.csv.gz, transfers.csv.gz and truth_dev.csv.gz of `folder`.

    An identifier is an address; it is shared by the accounts that traded with it and
    by the account that it is. An account's creation is its first use of the bridge.
    """
    accounts = pd.read_csv(folder / "accounts.csv.gz")
    created = accounts["first_use_unix"].to_numpy(float)
    number = pd.Series(np.arange(len(accounts)), index=accounts["address"])
    transfers = pd.read_csv(folder / "transfers.csv.gz")
    shown = pd.concat(
        [
            _shown(transfers, "from", "to", number),
            _shown(transfers, "to", "from", number),
            pd.DataFrame({"account": number.to_numpy(), "identifier": number.index}),
        ]
    )
    truth = pd.read_csv(folder / "truth_dev.csv.gz")
    truth["account"] = truth["address"].map(number)
    return gather(shown.assign(kind="wallet"), created), _truths(truth)


def _shown(
    transfers: pd.DataFrame, holder: str, other: str, number: pd.Series[int]
) -> pd.DataFrame:
    held = transfers[transfers[f"{holder}_is_account"] == 1]
    return pd.DataFrame(
        {
            "account": held[holder].map(number).to_numpy(),
            "identifier": held[other].to_numpy(),
        }
    )


def _truths(truth: pd.DataFrame) -> list[Truth]:
    """Each source of labels apart, each against all accounts that were paid."""
    codes, _ = pd.factorize(truth["sybil_cluster"], sort=True)
    group = np.where(truth["is_sybil"] == 1, codes, ALONE).astype(np.int64)
    paid = (truth["is_sybil"] == 0).to_numpy()
    return [
        _truth(name, truth, group, paid | (truth["label_source"] == name).to_numpy())
        for name in SOURCES
    ]


def _truth(
    name: str, truth: pd.DataFrame, group: Ints, chosen: npt.NDArray[np.bool_]
) -> Truth:
    account = truth["account"].to_numpy().astype(np.int64)
    return Truth(name, account[chosen], group[chosen])
