"""What kind of world to make: how long its log, which thefts, which file formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demo.write import FORMATS

RINGS: Final = (
    "naive", "proxied", "chained", "reset", "slow", "stealth", "aged", "handoff",
    "rebound",
)  # fmt: skip
CARDS: Final = ("shared_card", "card_testing", "bin_run", "drain_silence")
KEYS: Final = ("replay", "exposure")
DRAINS: Final = ("member", "sub_key", "end_user", "resale")
LEVELS: Final = (*RINGS, *CARDS, *KEYS, *DRAINS)


@dataclass(frozen=True)
class Shape:
    """The choices of a world beyond its size.

    `mean_events`: events an account on average; `levels`: which thefts occur (of
    `LEVELS`); `framed`: share of accounts that somebody tries to frame; `formats`:
    file formats, given to the sources of events in turn (of `demo.write.FORMATS`).
    """

    mean_events: float = 30.0
    levels: tuple[str, ...] = LEVELS
    framed: float = 0.012
    formats: tuple[str, ...] = ("ndjson.gz",)

    def check(self, accounts: int, abusive_share: float, days: int) -> None:
        """Raise ValueError for a shape or size of which no world can be made."""
        if accounts < 300:
            raise ValueError(f"{accounts} accounts make no world: ask for 300 or more")
        if not 0 <= abusive_share <= 0.5:
            raise ValueError(f"abusive share {abusive_share} is not within 0 to 0.5")
        if not 14 <= days <= 400:
            raise ValueError(f"{days} days: a world lasts 14 to 400 days")
        if not 10 <= self.mean_events <= 500:
            raise ValueError(f"{self.mean_events} events an account: ask for 10 to 500")
        if not 0 <= self.framed <= 0.2:
            raise ValueError(f"framed share {self.framed} is not within 0 to 0.2")
        wrong = set(self.levels) - set(LEVELS) or set(self.formats) - set(FORMATS)
        if wrong or not self.formats:
            raise ValueError(f"unknown level or format: {', '.join(sorted(wrong))}")
