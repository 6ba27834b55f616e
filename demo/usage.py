"""From streams to single records of use: times, tokens, cost, origin, status."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from demo import models
from demo.dice import Dice, Flags, Floats, Ints, Texts, Words, combine, hexes
from demo.hours import DAY, in_rhythm
from demo.people import Columns
from demo.setting import Setting

PAID: Final = ("credit", "card", "invoice")
CREDIT, CARD, INVOICE = range(3)

_STATUS: Final = np.array([200, 429, 500, 400, 401, 403])
_FAILURES: Final = (0, 6, 2, 3, 1, 0.5)
_PROBES: Final = (6, 0.3, 0, 2, 2, 2)
_REQUEST_TOKENS: Final = 60_000
"""More tokens than this are several requests in one record."""


def counts(dice: Dice, streams: pd.DataFrame, total: int) -> Ints:
    """Return how many records each stream gets so that all are about `total`.

    What a stream would do after the log's end is not cut here.
    """
    wish = streams["events"].to_numpy(dtype=float)
    floor = streams["floor"].to_numpy(dtype=np.int64)
    scale = max(total - floor.sum() * 0.5, total * 0.3) / max(wish.sum(), 1e-9)
    drawn: Ints = np.floor(wish * scale + dice.rng.random(wish.size)).astype(np.int64)
    return np.asarray(np.maximum(drawn, floor))


def expand(
    dice: Dice, setting: Setting, streams: pd.DataFrame, count: Ints
) -> pd.DataFrame:
    """Return the records of the streams, one row each, in the order of the streams.

    `stream` is the row of `streams`; texts that a stream fixes are not repeated.
    `prompt` and `end_word` are 0 where there is none.
    """
    col = {str(name): streams[name].to_numpy() for name in streams}
    row = np.repeat(np.arange(len(streams)), count)
    t = _times(dice, col, row, count)
    status, recon = _status(dice, col, row)
    use = pd.DataFrame({"stream": row, "t": t, "http_status": status})
    use["endpoint"] = _choice(dice, setting.habits.endpoints, col["habit"][row])
    use.loc[recon, "endpoint"] = models.RECON
    use["model"] = _choice(dice, setting.habits.models, col["habit"][row])
    work = (status == 200) & ~recon
    _consume(dice, use, col, work)
    hits = _limit_hits(dice, use, col, count)
    use = pd.concat([use, hits], ignore_index=True)
    _origin(dice, setting, use, col)
    use["prompt"] = _prompts(dice, use["stream"].to_numpy(), col)
    use["end_word"] = _end_users(dice, use["stream"].to_numpy(), col)
    return use[use["t"] < setting.end].reset_index(drop=True)


def end_user_ids(salt: object, number: object) -> Texts:
    """Return the ids by which a tenant names its own users."""
    return np.asarray("eu_" + hexes(combine(salt, number), 10))


def _times(dice: Dice, col: Columns, row: Ints, count: Ints) -> Floats:
    """First record at the start of the stream, last at its end, gaps as drawn."""
    gaps = dice.rng.gamma(col["evenness"][row])
    run = np.cumsum(gaps)
    last = np.cumsum(count) - 1
    first = last - count + 1
    reach = np.repeat(run[last] - run[first], count)
    share = (run - np.repeat(run[first], count)) / np.where(reach > 0, reach, 1.0)
    start, span = col["start"][row], col["span"][row]
    t = start + span * share ** (1 / col["burn"][row])
    # A span of a day or two is one sitting: its order stays as it is.
    rhythm = np.where(span > 2 * DAY, col["rhythm"][row], 0)
    moved = in_rhythm(dice, t, rhythm, col["tz"][row])
    return np.where((moved < start) | (moved > start + span), t, moved)


def _status(dice: Dice, col: Columns, row: Ints) -> tuple[Ints, Flags]:
    recon = dice.chance(col["recon"][row], row.size)
    failed = dice.chance(col["errors"][row], row.size)
    status = np.full(row.size, 200)
    status[failed] = dice.pick(_STATUS.tolist(), int(failed.sum()), _FAILURES)
    status[recon] = dice.pick(_STATUS.tolist(), int(recon.sum()), _PROBES)
    return status, recon


def _choice(dice: Dice, table: Floats, habit: Ints) -> Ints:
    steps = np.cumsum(table, axis=1)
    draw = dice.rng.random(habit.size)
    chosen = np.zeros(habit.size, dtype=np.int64)
    for column in range(table.shape[1] - 1):
        chosen += draw > steps[habit, column]
    return chosen


def _consume(
    dice: Dice,
    use: pd.DataFrame,
    col: Columns,
    work: Flags,
) -> None:
    """Spread each stream's dollars over its working records, as whole tokens."""
    row, n = use["stream"].to_numpy(), len(use)
    weight = np.where(work, dice.lognormal(1.0, 0.7, n), 0.0)
    whole = np.bincount(row, weight, minlength=len(col["spend"]))
    dollars = col["spend"][row] * weight / np.maximum(whole[row], 1e-12)
    price_in, price_out = (p[use["model"].to_numpy()] for p in models.prices())
    ratio = col["ratio"][row] * dice.lognormal(1.0, 0.4, n)
    given = np.ceil(dollars / (price_in + ratio * price_out)).astype(np.int64)
    taken = np.where(work, np.ceil(given * ratio), 0).astype(np.int64)
    cost = np.round(given * price_in + taken * price_out, 9)
    use["input_tokens"], use["output_tokens"], use["cost_usd"] = given, taken, cost
    rolled = np.ceil(col["requests"][row] * dice.lognormal(1.0, 0.3, n) - 0.5)
    least = -(-(given + taken) // _REQUEST_TOKENS)
    use["requests"] = np.maximum(np.maximum(rolled, least), 1).astype(np.int64)
    idle = ~work
    use.loc[idle, "requests"] = 1


def _limit_hits(
    dice: Dice, use: pd.DataFrame, col: Columns, count: Ints
) -> pd.DataFrame:
    """The refusals at the end of a stream, seconds after its last answer."""
    hits = np.where(count > 0, col["limit_hits"], 0).astype(np.int64)
    at = np.repeat(np.cumsum(count) - 1, hits)
    refused = use.iloc[at].reset_index(drop=True)
    refused["t"] += dice.lognormal(3.0, 0.5, len(refused))
    refused["http_status"] = 429
    refused["requests"] = 1
    for name in ("input_tokens", "output_tokens"):
        refused[name] = 0
    refused["cost_usd"] = 0.0
    return refused


def _origin(dice: Dice, setting: Setting, use: pd.DataFrame, col: Columns) -> None:
    row = use["stream"].to_numpy()
    away = dice.chance(col["share2"][row], row.size)
    net, salt, lease = (
        np.where(away, col[f"{part}2"][row], col[part][row])
        for part in ("net", "salt", "lease")
    )
    upper, lower = setting.networks.addresses(net, salt, lease, use["t"].to_numpy())
    use["ip_upper"], use["ip_lower"] = upper, lower


def _prompts(dice: Dice, row: Ints, col: Columns) -> Words:
    base = col["prompt"][row]
    turn = np.floor(dice.rng.random(row.size) * col["prompts"][row]).astype(np.int64)
    return np.where(base < 0, np.uint64(0), combine(base, turn))


def _end_users(dice: Dice, row: Ints, col: Columns) -> Words:
    many = col["end_users"][row]
    # A few of a tenant's users are busy, most are not.
    number = np.floor(many * dice.rng.random(row.size) ** 2).astype(np.int64)
    return np.where(many > 0, combine(col["end_salt"][row], number), np.uint64(0))
