"""Payment cards as a processor shows them: fingerprint, BIN, funding, checks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo.dice import Dice, Texts, combine, digits

COLUMNS = (
    "card_fingerprint", "card_bin", "card_last4", "card_funding", "card_country",
    "cvc_check", "avs_check", "wallet",
)  # fmt: skip


def issue(
    dice: Dice, country: Texts, prepaid: float = 0.05, checks: float = 0.97
) -> pd.DataFrame:
    """Return one card a row, issued in `country`.

    `prepaid` is the share of prepaid cards, `checks` the share that passes the CVC
    check (address checks fail about three times as often).
    """
    n = country.size
    funding = dice.pick(("credit", "debit"), n, (6, 4))
    funding = np.where(dice.chance(prepaid, n), "prepaid", funding).astype(object)
    # A country's issuers hold a few dozen BINs; nobody here exists.
    place = np.array([sum(map(ord, c)) * 31 for c in country])
    issuer = combine(place, dice.index(30, n), [len(f) for f in funding])
    bins = 400_000 + (issuer % np.uint64(159_000)).astype(np.int64)
    miss = 1 - checks
    return pd.DataFrame(
        {
            "card_fingerprint": dice.ids("fp_", n),
            "card_bin": digits(bins),
            "card_last4": digits(dice.rng.integers(0, 10_000, n), 4),
            "card_funding": funding,
            "card_country": country,
            "cvc_check": np.where(dice.chance(miss, n), "fail", "pass").astype(object),
            "avs_check": np.where(
                dice.chance(min(1.0, 3 * miss), n), "fail", "pass"
            ).astype(object),
            "wallet": dice.chance(0.2, n),
        }
    )
