"""The second gate: what an account consumed that its own user did not pay for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Flags = npt.NDArray[np.bool_]

# Half of a trial is more than a look around; rings that hide spend 60 to 95 %.
DRAINED_SHARE = 0.5
# An account that has paid for a tenth of what it used is a customer in arrears.
PAYING_SHARE = 0.1
# Families and typing errors rarely exceed two failed cards a day.
MANY_DECLINES = 3.0
# Smaller bills are billed at the month's end and prove nothing.
OPEN_BILL_USD = 20.0
# Terminal silence of a finished account (detection formula F5).
SILENCE_HOURS = 72.0
# A stolen card is used up before its holder looks at his statement.
DRAIN_HOURS = 72.0


def took_unpaid(profiles: pd.DataFrame) -> Flags:
    """Whether the account used up free credit, or more, and paid nothing for it."""
    unpaid = profiles["unpaid_usd"].to_numpy()
    free = profiles["free_usd"].to_numpy()
    # What an organisation pays for is no harm of the member's who uses it.
    member = profiles["tenant_pays"].to_numpy(dtype=bool)
    honest = profiles["honest_usd"].to_numpy()
    drained = unpaid >= DRAINED_SHARE * np.where(free > 0, free, 0.0)
    return np.asarray(
        (unpaid > 0) & drained & ~member & (honest <= PAYING_SHARE * (unpaid + honest))
    )


def billing_harm(profiles: pd.DataFrame) -> Flags:
    """Whether a charge was disputed or warned of, or cards were tried until refused."""
    disputed = (profiles["disputed_charges"] > 0).to_numpy()
    warned = profiles["warning"].to_numpy(dtype=bool)
    tested = (profiles["declines"] >= MANY_DECLINES).to_numpy()
    return np.asarray(disputed | warned | tested)


def left_owing(profiles: pd.DataFrame) -> Flags:
    """Whether the account fell silent for good on a card bill that nobody paid."""
    silent = (profiles["silent_hours"] >= SILENCE_HOURS).to_numpy()
    owed = (profiles["owed_usd"] >= OPEN_BILL_USD).to_numpy()
    return np.asarray(silent & owed)


def drained_a_card(profiles: pd.DataFrame) -> Flags:
    """Whether a fresh account used up what its card bought within days and was left.

    The shape before the dispute comes (detection formula F8). It is harm only beside
    signs that the card is stolen: an honest guest may pay once and leave as well.
    """
    spent = (profiles["honest_usd"] + profiles["disputed_usd"]).to_numpy()
    bought = profiles["first_paid_at"]
    added = profiles["first_card_at"].fillna(bought)
    wait = (added - profiles["created_at"]).dt
    lasted = (profiles["last_use"] - bought).dt
    idle = (bought - added).dt
    silent = (profiles["silent_hours"] >= SILENCE_HOURS).to_numpy()
    quick = lasted.total_seconds().between(0, DRAIN_HOURS * 3600).to_numpy()
    at_once = (wait.total_seconds() <= DRAIN_HOURS * 3600).to_numpy()
    fresh = at_once & (idle.total_seconds() <= DRAIN_HOURS * 3600).to_numpy()
    used = profiles["usage_usd"].to_numpy() >= DRAINED_SHARE * spent
    return np.asarray((spent >= OPEN_BILL_USD) & silent & quick & fresh & used)


def harmed(profiles: pd.DataFrame) -> Flags:
    """Whether the account shows own unpaid consumption or stolen billing."""
    return took_unpaid(profiles) | billing_harm(profiles)


def ended(profiles: pd.DataFrame) -> Flags:
    """Whether the account was closed or fell silent for good."""
    closed = profiles["closed_at"].notna().to_numpy()
    silent = (profiles["silent_hours"] >= SILENCE_HOURS).to_numpy()
    return np.asarray(closed | silent)
