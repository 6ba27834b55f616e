"""Made accounts and observations in bulk, for speed alone: no verdict rests on them.

Some 8 observations an account over 90 days: 3 % of the accounts belong to rings that
share devices, cards or phones; the others are households, offices and strangers
behind a few very large addresses and popular device fingerprints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]

_DAY = 86_400
_DAYS = 90
_START = 1_772_323_200  # 2026-03-01T00:00:00Z
_RING = 40
_RING_SHARE = 0.03
_CHUNK = 1_000_000

_ACCOUNTS = """
    COPY (SELECT printf('acc_%014x', (account * 2654435761) % 4294967296 * 4194304
                        + account) AS account_id,
                 make_timestamp(created * 1000000) AS created_at,
                 make_timestamp(created * 1000000) AS first_seen,
                 NULL::TIMESTAMP AS closed_at
          FROM made ORDER BY account)
    TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""
# The columns of the derived table `observations`, identifiers as wide as real ones.
_OBSERVATIONS = """
    COPY (SELECT printf('acc_%014x', (account * 2654435761) % 4294967296 * 4194304
                        + account) AS account_id,
                 kind, sha256(kind || number::VARCHAR) AS identifier,
                 make_timestamp(seen * 1000000) AS first_seen,
                 make_timestamp((seen + number % 864000) * 1000000) AS last_seen,
                 1 + number % 40 AS count, 1000 + number % 90000 AS tokens,
                 (number % 997) / 100.0::DOUBLE AS cost_usd
          FROM made)
    TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


@dataclass(frozen=True)
class Made:
    """Where made observations lie: one file of accounts, a folder of observations."""

    folder: Path

    @property
    def accounts(self) -> Path:
        """The accounts: account_id, created_at, first_seen; in order of creation."""
        return self.folder / "accounts.parquet"

    @property
    def observations(self) -> str:
        """A pattern that names every file of observations."""
        return str(self.folder / "observations-*.parquet")


def make(folder: Path, accounts: int, seed: int = 1) -> Made:
    """Write `accounts` accounts below `folder`; the same arguments, the same rows."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Made(folder)
    for number, start in enumerate(range(0, accounts, _CHUNK)):
        part = np.arange(start, min(start + _CHUNK, accounts), dtype=np.int64)
        _write_part(made, number, part, np.random.default_rng([seed, number]), accounts)
    _gather_accounts(made)
    return made


def _write_part(
    made: Made, number: int, part: Ints, dice: np.random.Generator, accounts: int
) -> None:
    created = _created(part, dice)
    frames = [*_shown(part, dice, accounts)]
    shown = pd.concat(frames, ignore_index=True)
    shown["seen"] = created[shown["account"].to_numpy() - part[0]]
    shown = shown.sort_values(["account", "kind"], kind="stable")
    people = pd.DataFrame({"account": part, "created": created})
    with duckdb.connect() as connection:
        for frame, text, name in (
            (people, _ACCOUNTS, f"accounts-{number:03}.parquet"),
            (shown, _OBSERVATIONS, f"observations-{number:03}.parquet"),
        ):
            connection.register("made", frame)
            connection.execute(text.format(path=made.folder / name))


def _gather_accounts(made: Made) -> None:
    with duckdb.connect() as connection:
        parts = str(made.folder / "accounts-*.parquet")
        connection.read_parquet(parts).order("created_at, account_id").write_parquet(
            str(made.accounts), compression="zstd"
        )
    for path in made.folder.glob("accounts-*.parquet"):
        path.unlink()


def _in_ring(part: Ints) -> npt.NDArray[np.bool_]:
    """Rings are the first accounts of every run, forty at a time."""
    return part % round(_RING / _RING_SHARE) < _RING


def _created(part: Ints, dice: np.random.Generator) -> Ints:
    """Anywhere in the log; the accounts of one ring within two days."""
    spread = dice.integers(0, _DAYS * _DAY, part.size)
    begun = np.random.default_rng(7).integers(0, (_DAYS - 2) * _DAY, 100_003)
    ring = part // round(_RING / _RING_SHARE)
    burst = begun[ring % begun.size] + dice.integers(0, 2 * _DAY, part.size)
    return _START + np.where(_in_ring(part), burst, spread)


def _shown(
    part: Ints, dice: np.random.Generator, accounts: int
) -> Iterator[pd.DataFrame]:
    ring = _in_ring(part)
    household = part // 3
    own, home = part + 10 * accounts, household + 20 * accounts

    def some(kind: str, number: Ints, share: float) -> pd.DataFrame:
        chosen = dice.random(part.size) < share
        return pd.DataFrame(
            {"account": part[chosen], "kind": kind, "number": number[chosen]}
        )

    def either(one: Ints, other: Ints, share: float) -> Ints:
        return np.where(dice.random(part.size) < share, one, other)

    popular = _popular(dice, part.size, accounts) + 30 * accounts
    device = np.where(ring, part // _RING, either(home, own, 0.2))
    yield some("email", own, 1.0)
    yield some("device", either(popular % 5000, device, 0.1), 1.0)
    yield some("device", own + accounts, 0.25)
    yield some("ip", either(popular, home, 0.3), 1.0)
    yield some("ip", own, 0.9)
    yield some("card", np.where(ring, part // 8, either(home, own, 0.15)), 0.35)
    yield some("phone", np.where(ring, part // 5, either(home, own, 0.05)), 0.5)
    yield some("key", own, 0.65)
    yield some("user_agent", popular % 300, 1.0)
    yield some("model", popular % 20, 0.9)
    yield some("tenant", np.where(part % 10 == 0, part // 200, own), 0.3)


def _popular(dice: np.random.Generator, size: int, accounts: int) -> Ints:
    """Values that follow a power law: the first is shared by a tenth of those drawn."""
    return np.floor(max(accounts // 20, 2) ** dice.random(size)).astype(np.int64)
