"""The site that all accounts of a world sign up at, and its surroundings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo import clients, models, networks
from demo.clients import Clients
from demo.dice import Dice, Floats, Ints, Texts
from demo.hours import DAY
from demo.models import Habits
from demo.networks import Networks

COUNTRIES = {
    "US": (24, -6), "GB": (7, 0), "DE": (7, 1), "FR": (5, 1), "ES": (3, 1),
    "IT": (3, 1), "PL": (3, 1), "TR": (2, 3), "BR": (7, -3), "JP": (5, 9),
    "KR": (3, 9), "CN": (5, 8), "AU": (3, 10), "IN": (12, 5.5), "ID": (4, 7),
    "VN": (2, 7), "NG": (3, 1), "KE": (2, 3),
}  # fmt: skip
"""Share of customers (any scale) and offset from UTC in hours."""


@dataclass(frozen=True)
class Setting:
    """What a world shares: its size, its length, its infrastructure, its offer."""

    accounts: int
    days: int
    seed: int
    networks: Networks
    clients: Clients
    habits: Habits
    country_weights: Floats
    trial_usd: float
    device_share: float
    """Share of sign-ups whose page delivered a device id."""
    prompt_share: float
    """Share of callers whose gateway computes a prompt hash."""
    popular_devices: Texts
    popular_prompts: Ints
    codes: Texts
    """Referral codes that blogs and newsletters hand to everybody."""

    @property
    def end(self) -> float:
        """The last second of the log."""
        return self.days * DAY

    def dice(self, name: str) -> Dice:
        """Return the dice of one part of the world."""
        return Dice(self.seed, name)

    def zones(self, country: Texts) -> Floats:
        """Return each country's offset from UTC in hours."""
        return np.array([COUNTRIES[c][1] for c in country], dtype=float)

    def nets(self, dice: Dice, kind: str, country: Texts) -> Ints:
        """Return a network of the kind for each row, in its country if there is one."""
        found = np.zeros(country.size, dtype=np.int64)
        for code in sorted(set(country)):
            mine = np.flatnonzero(country == code)
            there = self.networks.of(kind, code)
            found[mine] = there[dice.index(there.size, mine.size)]
        return found


def settle(accounts: int, days: int, seed: int) -> Setting:
    """Draw the setting of a world."""
    dice = Dice(seed, "setting")
    weights = np.array([share for share, _ in COUNTRIES.values()], dtype=float)
    return Setting(
        accounts=accounts,
        days=days,
        seed=seed,
        networks=networks.lay(dice, accounts),
        clients=clients.gather(dice),
        habits=models.habits(dice),
        country_weights=dice.rng.dirichlet(weights / weights.sum() * 60),
        trial_usd=float(dice.pick((5.0, 8.0, 10.0, 18.0, 25.0), 1)[0]),
        device_share=float(dice.rng.uniform(0.75, 0.95)),
        prompt_share=float(dice.rng.uniform(0.5, 0.9)),
        popular_devices=dice.ids("", max(12, accounts // 400)),
        popular_prompts=dice.salts(max(30, accounts // 500)),
        codes=dice.ids("ref-", 12, 6),
    )
