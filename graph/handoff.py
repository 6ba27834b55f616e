"""Quota hand-off: one account hits its limit, another takes over within seconds.

Tools that rotate accounts retry the refused request on the next one, with the same
client and model. Once is chance; the count is held against how often any account of
that client and model starts in such a moment.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from graph.link import Floats
from graph.seen import frame, let_go
from graph.surprise import surprise_within

# A rotation follows within this; a fresh start comes after this much silence.
WITHIN_SECONDS = 60
_FEWEST = 2

_HITS = """
    CREATE OR REPLACE TEMP TABLE limit_hits AS
    SELECT DISTINCT u.account_id, u.model, u.user_agent,
           date_trunc('second', u.occurred_at) AS hit_at
    FROM usage u SEMI JOIN suspects s USING (account_id)
    WHERE u.http_status = 429
"""

_STARTS = """
    CREATE OR REPLACE TEMP TABLE takeovers AS
    SELECT account_id, model, user_agent, occurred_at AS started_at FROM (
        SELECT u.account_id, u.model, u.user_agent, u.occurred_at,
               u.occurred_at - lag(u.occurred_at) OVER (
                   PARTITION BY u.account_id
                   ORDER BY u.occurred_at, u.model, u.user_agent) AS gap
        FROM usage u SEMI JOIN suspects s USING (account_id)
    ) WHERE gap IS NULL OR gap > INTERVAL 10 MINUTE
"""

_PAIRS = """
    WITH met AS (
        SELECT h.account_id AS giver, t.account_id AS taker, h.model, h.user_agent,
               h.hit_at
        FROM limit_hits h JOIN takeovers t
          ON t.model = h.model AND t.user_agent IS NOT DISTINCT FROM h.user_agent
         AND t.started_at BETWEEN h.hit_at AND h.hit_at + INTERVAL 60 SECOND
         AND t.account_id <> h.account_id
    ), pace AS (
        SELECT model, user_agent,
               count(*) / greatest(epoch(max(started_at) - min(started_at)), 3600)
                   AS starts_per_second
        FROM takeovers GROUP BY model, user_agent
    ), hits AS (SELECT account_id, count(*) AS hits FROM limit_hits GROUP BY account_id)
    SELECT m.giver, m.taker, count(DISTINCT m.hit_at) AS times,
           min(h.hits * p.starts_per_second * 60) AS expected
    FROM met m JOIN hits h ON h.account_id = m.giver
    JOIN pace p ON p.model = m.model
         AND p.user_agent IS NOT DISTINCT FROM m.user_agent
    GROUP BY m.giver, m.taker ORDER BY m.giver, m.taker
"""


def handoffs(
    connection: duckdb.DuckDBPyConnection, account_ids: pd.Series[str]
) -> tuple[Floats, Floats]:
    """Nats and number of hand-offs that each of `account_ids` took part in.

    Looks only at the accounts of the registered table `suspects`. An account counts
    by its most surprising partner.
    """
    connection.execute(_HITS)
    connection.execute(_STARTS)
    pairs = frame(connection, _PAIRS)
    let_go(connection, ("limit_hits", "takeovers"))
    pairs = pairs[pairs["times"] >= _FEWEST]
    times = pairs["times"].to_numpy(float)
    nats = surprise_within(times, np.maximum(pairs["expected"].to_numpy(float), 1e-6))
    ends = pd.DataFrame(
        {
            "account_id": pd.concat([pairs["giver"], pairs["taker"]]).astype(object),
            "nats": np.concatenate([nats, nats]),
            "times": np.concatenate([times, times]),
        }
    )
    best = ends.groupby("account_id").max()
    return (
        account_ids.map(best["nats"]).fillna(0.0).to_numpy(),
        account_ids.map(best["times"]).fillna(0.0).to_numpy(),
    )
