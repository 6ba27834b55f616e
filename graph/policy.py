"""Growth against resistance: what each threshold stops, and whom it touches.

For each rung of friction and each threshold of probability: the dollars it is expected
to stop and the honest users it is expected to touch, from calibrated probabilities.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from graph.derived import Snapshot

# How much of an abuser's further taking each rung stops, and what it asks of an honest
# user in minutes. Own starting values; a product owner sets his own.
RUNGS: dict[str, tuple[float, float]] = {
    "watch": (0.0, 0.0),
    "shared allowance": (0.7, 0.5),
    "step-up": (0.8, 3.0),
    "hold": (0.95, 60.0),
    "ban": (1.0, 600.0),
}
THRESHOLDS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99)

# Who pays the friction, and the column that counts them.
POPULATIONS: dict[str, str] = {
    "paying": "paying_touched", "on trial": "trial_touched",
    "bystander": "bystanders_touched", "idle": "idle_touched",
}  # fmt: skip

_ACCOUNTS = """
    SELECT account_id, score, cost_usd, paid_usd,
           CASE WHEN paid_usd > 0 THEN 'paying' WHEN role = 'bystander' THEN 'bystander'
                WHEN cost_usd > 0 THEN 'on trial' ELSE 'idle' END AS population
    FROM accounts
"""


def curve(snapshot: Snapshot) -> pd.DataFrame:
    """Columns threshold, rung, accounts, dollars_stopped, honest_touched,
    honest_minutes, and honest users touched by population: paying_touched,
    trial_touched, bystanders_touched, idle_touched; one row a threshold and rung."""
    accounts = snapshot.connect().execute(_ACCOUNTS).df()
    score = accounts["score"].to_numpy()
    cost = accounts["cost_usd"].to_numpy()
    rows: list[tuple[object, ...]] = []
    for threshold in THRESHOLDS:
        above = score >= threshold
        stopped = float((score[above] * cost[above]).sum())
        touched = [
            float(
                (1 - score[above & (accounts["population"] == name).to_numpy()]).sum()
            )
            for name in POPULATIONS
        ]
        honest = sum(touched)
        rows += [
            (threshold, rung, int(above.sum()), stopped * share, honest,
             honest * minutes, *touched)
            for rung, (share, minutes) in RUNGS.items()
        ]  # fmt: skip
    return pd.DataFrame(
        np.array(rows, dtype=object),
        columns=[
            "threshold", "rung", "accounts", "dollars_stopped", "honest_touched",
            "honest_minutes", *POPULATIONS.values(),
        ],
    )  # fmt: skip
