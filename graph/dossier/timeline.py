"""What happened when: events of some accounts in lanes, gathered into bins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pandas as pd

from graph.dossier import Dossier, as_list

# Bins across the whole span: fine enough to brush, few enough to send (some 40 kB).
BINS = 240

# This share of the events at either end may be strays.
_STRAY = 0.02

LANES = ("sign-up", "session", "key", "usage", "payment", "dispute", "exposure")

_KEYS = "SELECT key_id FROM keys WHERE account_id IN (SELECT unnest($accounts))"

# Other systems' names of the accounts: looking for them in the events as they were
# named is quicker than giving each event its one name first.
_NAMES = """
    SELECT alias FROM account_aliases WHERE account_id IN (SELECT unnest($accounts))
"""

_CHARGES = """
    SELECT DISTINCT charge_id FROM events_as_named
    WHERE type = 'payment.charged' AND account_id IN (SELECT unnest($accounts))
      AND charge_id IS NOT NULL
"""

# Three searches of one column each are far quicker than one of all three.
_BINNED = """
    WITH found AS (
        SELECT * FROM events_as_named WHERE account_id IN (SELECT unnest($accounts))
        UNION ALL
        SELECT * FROM events_as_named WHERE key_id IN (SELECT unnest($keys))
          AND (account_id IS NULL OR account_id NOT IN (SELECT unnest($accounts)))
        UNION ALL
        SELECT * FROM events_as_named WHERE charge_id IN (SELECT unnest($charges))
          AND account_id IS NULL AND key_id IS NULL
    ), mine AS (
        SELECT occurred_at, cost_usd, amount_usd,
               CASE WHEN type IN ('account.created', 'account.closed') THEN 'sign-up'
                    WHEN type = 'session.started' THEN 'session'
                    WHEN type = 'key.exposed' THEN 'exposure'
                    WHEN type LIKE 'key.%' THEN 'key'
                    WHEN type = 'usage.recorded' THEN 'usage'
                    WHEN type IN ('payment.disputed', 'payment.refunded') THEN 'dispute'
                    WHEN type LIKE 'payment%' THEN 'payment' END AS lane,
               replace(type, '.', ' ') AS what,
               CASE WHEN http_status >= 400 THEN 'failed'
                    WHEN status = 'declined' OR cvc_check = 'fail' THEN 'failed'
                    ELSE '' END AS failed
        FROM found
    ), span AS (
        SELECT start, greatest(60, date_diff('second', start, finish)) / $bins AS step,
               finish
        FROM (SELECT coalesce($start::TIMESTAMP, min(occurred_at)) AS start,
                     coalesce($finish::TIMESTAMP, max(occurred_at)) AS finish
              FROM mine WHERE lane IS NOT NULL)
    )
    SELECT lane, what, failed,
           start + to_seconds(step * (0.5 + least($bins - 1,
               floor(date_diff('second', start, occurred_at) / step)))) AS at,
           count(*) AS events,
           sum(coalesce(cost_usd, amount_usd, 0))::DOUBLE AS usd
    FROM mine, span
    WHERE lane IS NOT NULL AND occurred_at BETWEEN start AND finish
    GROUP BY ALL ORDER BY ALL
"""


def timeline(
    dossier: Dossier,
    ledger: duckdb.DuckDBPyConnection,
    accounts: Sequence[str],
    keys: Sequence[str] = (),
    window: tuple[datetime, datetime] | None = None,
) -> pd.DataFrame:
    """Bins of events of `accounts`, of their keys and of `keys`.

    `ledger` is a connection of `Ledger.connect`; `window` narrows the time.
    Columns lane, what, failed, at (a bin's middle), events, usd.
    """
    own = dossier.ask(_KEYS, {"accounts": as_list(accounts)})["key_id"].tolist()
    others = ledger.execute(_NAMES, {"accounts": as_list(accounts)}).fetchall()
    named = as_list([*accounts, *(alias for (alias,) in others)])
    charges = ledger.execute(_CHARGES, {"accounts": named}).fetchall()
    asked = {
        "accounts": named,
        "keys": as_list([*own, *keys]),
        "charges": as_list([charge for (charge,) in charges]),
        "bins": BINS,
        "start": window[0] if window else None,
        "finish": window[1] if window else None,
    }
    return ledger.execute(_BINNED, asked).df()


def busy(frame: pd.DataFrame) -> tuple[datetime, datetime] | None:
    """Where nearly all of the events lie, when that is under half of the span.

    One stray event years ago would else press everything else into one corner.
    """
    ordered = frame.sort_values("at")
    share = ordered["events"].cumsum() / ordered["events"].sum()
    within = ordered[(share > _STRAY) & (share.shift(fill_value=0.0) < 1 - _STRAY)]
    if within.empty:
        return None
    step = (ordered["at"].max() - ordered["at"].min()) / BINS
    start, finish = within["at"].min() - step, within["at"].max() + step
    if (finish - start) * 2 > ordered["at"].max() - ordered["at"].min():
        return None
    return start.to_pydatetime(), finish.to_pydatetime()
