"""Who pays for what: credit first, then the card; charges, warnings, disputes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from demo import usage
from demo.cards import COLUMNS
from demo.dice import Dice, combine, fraction
from demo.hours import DAY, HOUR
from demo.people import INVOICE, NO_PAY, POSTPAID, PREPAID
from demo.setting import Setting

Events = dict[str, list[pd.DataFrame]]


def settle_up(
    dice: Dice, use: pd.DataFrame, streams: pd.DataFrame, accounts: pd.DataFrame
) -> pd.DataFrame:
    """Write `paid_by` into the records and return the charges they cause.

    `accounts` are indexed by account id. All records of one payer must be in `use`.
    """
    payer = accounts.index.get_indexer(pd.Index(streams["billed"]))[use["stream"]]
    fixed = streams["paid"].to_numpy()[use["stream"]]
    use["paid_by"] = fixed
    own = np.flatnonzero((fixed < 0) & (payer >= 0))
    own = own[np.lexsort((use["t"].to_numpy()[own], payer[own]))]
    account, cost = payer[own], use["cost_usd"].to_numpy()[own]
    first = np.r_[True, account[1:] != account[:-1]] if own.size else np.array([], bool)
    run = np.cumsum(cost)
    before = run - cost
    spent = before - np.maximum.accumulate(np.where(first, before, 0.0))
    grant = accounts["grant"].to_numpy()[account]
    pay = accounts["pay"].to_numpy()[account]
    over = (spent >= grant) & (pay != NO_PAY)
    code = np.where(over, usage.CARD, usage.CREDIT)
    code[over & (pay == INVOICE)] = usage.INVOICE
    names_credit = fraction(combine(account, 77)) < 0.3
    code[over & (pay == PREPAID) & names_credit] = usage.CREDIT
    silent = ~accounts["says_paid_by"].to_numpy()[account]
    column = use["paid_by"].to_numpy().copy()
    column[own] = np.where(silent, -1, code)
    use["paid_by"] = column
    paid = over & (pay != INVOICE)
    return _charges(
        dice,
        pd.DataFrame(
            {
                "account": account[paid],
                "t": use["t"].to_numpy()[own][paid],
                "cost": cost[paid],
                "past": (spent - grant)[paid],
            }
        ),
        accounts,
    )


def _charges(dice: Dice, spent: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Prepaid: a top-up whenever the last one is used up. Postpaid: each cycle."""
    accounts = accounts[["pay", "says_paid_by", "topup", "created"]]
    info = accounts.iloc[spent["account"]]
    prepaid = (info["pay"] == PREPAID).to_numpy()
    weeks = np.where(info["says_paid_by"], 1 + spent["account"] % 4, 1)
    cycle = 7 * DAY * weeks
    number = np.where(
        prepaid,
        spent["past"] // info["topup"].to_numpy(),
        (spent["t"] - info["created"].to_numpy()) // cycle,
    )
    grouped = (
        spent.assign(number=number, cycle=cycle)
        .groupby(["account", "number"], sort=True)
        .agg(t=("t", "min"), cost=("cost", "sum"), cycle=("cycle", "first"))
        .reset_index()
    )
    info = accounts.iloc[grouped["account"]]
    prepaid = (info["pay"] == PREPAID).to_numpy()
    due = info["created"].to_numpy() + (grouped["number"] + 1) * grouped["cycle"]
    before = grouped["t"] - dice.lognormal(400.0, 1.0, len(grouped))
    amount = np.where(prepaid, info["topup"].to_numpy(), grouped["cost"])
    return pd.DataFrame(
        {
            "account_id": info.index.to_numpy(),
            "t": np.where(prepaid, np.maximum(before, 5.0), due + 900.0),
            "first_use": grouped["t"],
            "amount_usd": np.maximum(np.round(amount, 2), 0.5),
            "prepaid": prepaid,
        }
    )


def payments(
    dice: Dice, setting: Setting, accounts: pd.DataFrame, charges: pd.DataFrame
) -> Events:
    """Return cards, charges, purchased credit, warnings, disputes and refunds.

    What falls after the log's end has not happened yet.
    """
    methods = _methods(dice, accounts, charges)
    events: Events = {"payment_method.added": [methods]}
    added = charges["account_id"].map(methods.set_index("account_id")["t"])
    charges = charges.assign(t=np.fmax(charges["t"], added + 3))
    charges = charges[charges["t"] < setting.end].reset_index(drop=True)
    charges["charge_id"] = dice.ids("ch_", len(charges))
    charges["payment_method_id"] = method_ids(charges["account_id"])
    charges["status"] = "succeeded"
    info = accounts.loc[charges["account_id"]]
    declined = charges[dice.chance(info["decline_share"].to_numpy(), len(charges))]
    events["payment.charged"] = [charges, _declines(dice, declined, accounts)]
    bought = charges[charges["prepaid"]]
    events["credit.granted"] = [
        pd.DataFrame(
            {
                "account_id": bought["account_id"],
                "t": bought["t"] + 2.0,
                "amount_usd": bought["amount_usd"],
                "reason": "purchase",
            }
        )
    ]
    events["payment.disputed"] = _disputes(dice, accounts, charges)
    refunded = charges[dice.chance(0.01, len(charges))]
    events["payment.refunded"] = [
        refunded[["charge_id", "amount_usd"]].assign(
            t=refunded["t"] + dice.log_uniform(0.1, 20, len(refunded)) * DAY
        )
    ]
    return events


def method_ids(account_id: pd.Series) -> pd.Series:
    """Return the id of each account's own payment method."""
    return "pm_" + account_id.str.slice(4, 18)


def _methods(dice: Dice, accounts: pd.DataFrame, charges: pd.DataFrame) -> pd.DataFrame:
    paying = accounts[accounts["pay"].isin((POSTPAID, PREPAID))]
    needed = charges.groupby("account_id")["first_use"].min()
    latest = paying.index.to_series().map(needed) - HOUR / 4
    at = np.fmin(paying["pm_at"], latest.fillna(np.inf))
    # Nobody adds a card before the account is there.
    at = np.maximum(at, paying["created"] + 30 + 60 * dice.rng.random(len(paying)))
    return paying[list(COLUMNS)].assign(
        account_id=paying.index,
        t=at,
        payment_method_id=method_ids(paying.index.to_series()),
    )


def _declines(
    dice: Dice, charges: pd.DataFrame, accounts: pd.DataFrame
) -> pd.DataFrame:
    """An attempt that the bank refused shortly before the one that went through."""
    n = len(charges)
    born = accounts.loc[charges["account_id"], "created"].to_numpy()
    codes = ("insufficient_funds", "generic_decline", "do_not_honor", "expired_card")
    return charges.assign(
        t=np.maximum(charges["t"] - dice.lognormal(3 * HOUR, 1.5, n), born + 33),
        charge_id=dice.ids("ch_", n),
        status="declined",
        decline_code=dice.pick(codes, n, (5, 3, 2, 1)),
    )


def _disputes(
    dice: Dice, accounts: pd.DataFrame, charges: pd.DataFrame
) -> list[pd.DataFrame]:
    """Warnings come within days, disputes within weeks, verdicts later still."""
    info = accounts.loc[charges["account_id"]]
    fate = combine([int(a[4:16], 16) for a in charges["account_id"]], 3)
    luck, luck2 = fraction(fate), fraction(combine(fate.astype(np.int64), 4))
    n = len(charges)
    base = charges[["charge_id", "account_id", "payment_method_id", "amount_usd"]]
    jitter = dice.lognormal(1.0, 0.25, n)
    warned = luck < info["warn_share"].to_numpy()
    warning = base.assign(
        t=charges["t"] + info["warn_lag"].to_numpy() * jitter,
        kind="early_fraud_warning",
        reason=dice.pick(("unauthorized_use_of_card", "made_with_stolen_card"), n),
        outcome="open",
    )[warned]
    disputed = luck2 < info["dispute_share"].to_numpy()
    dispute = base.assign(
        t=charges["t"] + info["dispute_lag"].to_numpy() * jitter,
        kind="chargeback",
        reason=np.where(warned, "fraudulent", "product_not_received"),
        outcome="open",
    )[disputed]
    lost = warned[disputed] | dice.chance(0.45, len(dispute))
    decided = dispute.assign(
        t=dispute["t"] + dice.log_uniform(5, 40, len(dispute)) * DAY,
        outcome=np.where(lost, "lost", "won"),
    )
    return [warning, dispute, decided]
