"""Seeded chance: every draw of the world comes from here.

Each population owns its own `Dice`, seeded by the world's seed and the population's
name, so that adding or resizing one population leaves the draws of the others alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Texts = NDArray[np.object_]
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mix(values: Any) -> Words:
    """Return splitmix64 of `values`: one-to-one, so distinct in means distinct out."""
    x = np.atleast_1d(np.asarray(values)).astype(np.uint64) + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def combine(*parts: Any) -> Words:
    """Return one well-mixed word per row of several columns."""
    word = np.zeros(1, dtype=np.uint64)
    for part in parts:
        word = mix(word ^ np.asarray(part).astype(np.int64).astype(np.uint64))
    return word


def fraction(words: Words) -> Floats:
    """Return words as uniform numbers in [0, 1)."""
    return (words >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def hexes(words: Words, width: int = 16) -> Texts:
    """Return words as lower-case hexadecimal text of `width` (at most 16) digits."""
    text = words.astype(">u8").tobytes().hex().encode()
    return np.frombuffer(text, dtype="S16").astype(f"U{width}").astype(object)


def digits(numbers: Any, width: int = 0) -> Texts:
    """Return whole numbers as decimal text, zero-filled to `width`."""
    text = np.atleast_1d(np.asarray(numbers)).astype(np.int64).astype(str)
    filled = np.char.zfill(text, width) if width and text.size else text
    return filled.astype(object)


class Dice:
    """A named source of chance and of identifiers that never repeat in a world."""

    def __init__(self, seed: int, name: str) -> None:
        """Seed from the world's `seed` (any whole number from 0) and a `name`."""
        tag = zlib.crc32(name.encode())
        self.rng = np.random.default_rng(np.random.SeedSequence([seed, tag]))
        self._seed, self._tag, self._issued = seed, tag, 0

    def words(self, n: int) -> Words:
        """Return `n` words that no other call in this world returns."""
        number = np.arange(self._issued, self._issued + n, dtype=np.uint64)
        self._issued += n
        salted = (np.uint64(self._tag) << np.uint64(32)) | number
        return mix(salted ^ mix(self._seed)[0])

    def ids(self, prefix: str, n: int, width: int = 16) -> Texts:
        """Return `n` distinct identifiers such as `acc_3f…`; shorter may collide."""
        return np.asarray(prefix + hexes(self.words(n), width))

    def salts(self, n: int) -> Ints:
        """Return `n` distinct numbers that stand for households, hosts, prompts."""
        return (self.words(n) >> np.uint64(2)).astype(np.int64)

    def pick(
        self, options: Sequence[Any], n: int, weights: Sequence[float] | None = None
    ) -> NDArray[Any]:
        """Return `n` of the options, drawn with `weights` (any positive scale)."""
        kind = object if isinstance(options[0], str) else None
        return np.asarray(options, dtype=kind)[self.index(len(options), n, weights)]

    def index(self, size: int, n: int, weights: Sequence[float] | None = None) -> Ints:
        """Return `n` positions below `size`."""
        if weights is None:
            return self.rng.integers(0, size, n)
        share = np.asarray(weights, dtype=float)
        return self.rng.choice(size, n, p=share / share.sum())

    def chance(self, share: Any, n: int) -> Flags:
        """Return `n` flags, each true with probability `share`."""
        return np.asarray(self.rng.random(n) < share)

    def log_uniform(self, low: float, high: float, n: int = 1) -> Floats:
        """Return draws whose logarithm is uniform: every scale equally likely."""
        return np.exp(self.rng.uniform(np.log(low), np.log(high), n))

    def one(self, low: float, high: float) -> float:
        """Return one log-uniform draw."""
        return float(self.log_uniform(low, high)[0])

    def lognormal(self, median: Any, sigma: Any, n: int) -> Floats:
        """Return draws around a median with a spread of `sigma` in natural logs."""
        return np.asarray(median * np.exp(sigma * self.rng.standard_normal(n)))

    def groups(self, n: int, low: int, high: int) -> Ints:
        """Split `n` rows into consecutive groups of `low` to `high`; return their
        numbers. The last group takes what is left, so it may be smaller."""
        sizes = self.rng.integers(low, high + 1, max(1, n // low + 1))
        return np.repeat(np.arange(sizes.size), sizes)[:n]
