"""How one operator names a hundred accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from demo import names
from demo.dice import Dice, Ints, Texts, digits

Style = Callable[[Dice, int], Texts]


def sequence(dice: Dice, n: int) -> Texts:
    """One name with a running number: marcus.1001@, marcus.1002@."""
    stem = _stem(dice) + str(dice.pick((".", "", "_", "-"), 1)[0])
    first = int(dice.one(1, 5000))
    step = dice.pick((1, 1, 1, 3), 1)[0]
    numbers = first + np.cumsum(dice.rng.integers(1, step + 1, n))
    return np.asarray(stem + digits(numbers) + "@" + _free(dice))


def meaningless(dice: Dice, n: int) -> Texts:
    """Random letters at one domain."""
    local = names.random_locals(dice, n, int(dice.rng.integers(7, 13)))
    return np.asarray(local + "@" + str(_any_domain(dice)))


def disposable(dice: Dice, n: int) -> Texts:
    """Names or letters at one or several throw-away domains."""
    domains = names.DISPOSABLE[: int(dice.rng.integers(1, len(names.DISPOSABLE)))]
    local = _people(dice, n) if dice.chance(0.5, 1)[0] else dice.ids("m", n, 9)
    return np.asarray(local + "@" + dice.pick(domains, n))


def plus_tags(dice: Dice, n: int) -> Texts:
    """One mailbox of a big provider, told apart by what follows the plus."""
    tag = dice.ids("", n, 4) if dice.chance(0.5, 1)[0] else digits(np.arange(n) + 1)
    return np.asarray(_stem(dice) + "+" + tag + "@gmail.com")


def catch_all(dice: Dice, n: int) -> Texts:
    """People who do not exist, at a domain of the operator's own."""
    return np.asarray(_people(dice, n) + "@" + names.companies(dice, 1)[0])


def generated(dice: Dice, n: int) -> Texts:
    """First name, last name, four digits: a generator's idea of a customer."""
    width = int(dice.rng.integers(3, 6))
    number = dice.rng.integers(10 ** (width - 1), 10**width, n)
    return np.asarray(_people(dice, n) + digits(number) + "@" + _free(dice))


def bought(dice: Dice, n: int) -> Texts:
    """Mailboxes bought by the dozen: every one looks like a person's."""
    country = dice.pick(list(names.CULTURES), n)
    return names.personal(dice, country, own=0.0)


OPEN: Final = (sequence, meaningless, disposable, plus_tags, catch_all)
HIDDEN: Final = (generated, sequence, catch_all, meaningless)


def named(dice: Dice, ring: Ints, styles: tuple[Style, ...]) -> Texts:
    """Return an address for each account; each ring keeps to one of the styles."""
    email = np.empty(ring.size, dtype=object)
    for number in range(int(ring[-1]) + 1):
        mine = np.flatnonzero(ring == number)
        style = styles[int(dice.index(len(styles), 1)[0])]
        email[mine] = style(dice, mine.size)
    return email


def _stem(dice: Dice) -> str:
    country = dice.pick(list(names.CULTURES), 1)
    first, last = names.names(dice, country)
    return str(first[0] + dice.pick(("", last[0], "x", "dev"), 1)[0])


def _people(dice: Dice, n: int) -> Texts:
    country = np.repeat(dice.pick(list(names.CULTURES), 1), n)
    first, last = names.names(dice, country)
    joint = str(dice.pick((".", "", "_"), 1)[0])
    return np.asarray(first + joint + last)


def _free(dice: Dice) -> str:
    return str(dice.pick(names.FREE, 1)[0])


def _any_domain(dice: Dice) -> str:
    kinds = (names.FREE, names.DISPOSABLE, tuple(names.companies(dice, 3)))
    kind = kinds[int(dice.index(3, 1, (5, 2, 2))[0])]
    return str(dice.pick(kind, 1)[0])
