"""What people have decided: the latest review of each subject that still holds."""

from __future__ import annotations

from datetime import datetime

import duckdb
import numpy as np
import pandas as pd
from scipy.special import expit, logit

from graph.typologies.evidence import rank

# What is left of doubt after a person's word.
UNLIKELY = 0.001
_ROUNDING = 2e-6

_LATEST = """
    SELECT subject_type, subject_id, verdict, reviewer FROM (
        SELECT split_part(type, '.', 1) AS subject_type,
               CASE split_part(type, '.', 1) WHEN 'account' THEN account_id
                    WHEN 'key' THEN key_id ELSE tenant_id END AS subject_id,
               verdict, reviewer, expires_at,
               row_number() OVER (PARTITION BY type,
                   CASE split_part(type, '.', 1) WHEN 'account' THEN account_id
                        WHEN 'key' THEN key_id ELSE tenant_id END
                   ORDER BY occurred_at DESC, event_id DESC) AS age
        FROM events
        WHERE type IN ('account.reviewed', 'key.reviewed', 'tenant.reviewed')
          AND (NOT ? OR occurred_at <= ?)
    )
    WHERE age = 1 AND verdict <> 'withdrawn'
      AND (expires_at IS NULL OR expires_at > ?)
    ORDER BY subject_type, subject_id
"""


def latest_reviews(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, *, looking_back: bool
) -> pd.DataFrame:
    """Columns subject_type, subject_id, verdict (abusive, legitimate), reviewer.

    A run that looks back sees what had been decided by `as_of`; any other sees all,
    for people decide after the log that they read.
    """
    return connection.execute(_LATEST, [looking_back, as_of, as_of]).df()


def override(frame: pd.DataFrame, word: pd.Series[str]) -> pd.DataFrame:
    """Set `score` to what a person said: all but certain, for nobody is infallible."""
    frame.loc[word == "legitimate", "score"] = UNLIKELY
    frame.loc[word == "abusive", "score"] = 1 - UNLIKELY
    return frame


def told_by_people(
    told: pd.DataFrame, kind: str, frame: pd.DataFrame, word: pd.Series[str]
) -> pd.DataFrame:
    """Add what a person's word, or what others taught, adds to each sum of reasons.

    `frame` has columns subject_id and score; `word` the verdict on each. The reasons
    of a subject add up to the log-odds of its score afterwards.
    """
    sums = told.groupby("subject_id")["weight"].sum()
    reviewed = (word != "").to_numpy()
    known = frame["subject_id"].isin(sums.index).to_numpy()
    chosen = frame[reviewed | known]
    score = chosen["score"].clip(1e-6, 1 - 1e-6)
    so_far = chosen["subject_id"].map(sums).astype(float).fillna(0.0)
    rest = pd.Series(logit(score.to_numpy(float)), index=chosen.index) - so_far
    said = word[chosen.index]
    more = pd.DataFrame(
        {
            "subject_type": kind,
            "subject_id": chosen["subject_id"],
            "code": np.where(said != "", "reviewed", "recalibrated"),
            "family": "people",
            "weight": rest.round(6),
            "sentence": np.where(
                said != "",
                "A person reviewed it and called it " + said + ".",
                "What people decided on others moved its probability.",
            ),
            "evidence": "{}",
        }
    )
    # A millionth of probability is what the score is rounded to.
    large = (score - expit(so_far.to_numpy())).abs() > _ROUNDING
    return rank(pd.concat([told, more[large.to_numpy()]], ignore_index=True))


def verdict_of(reviews: pd.DataFrame, kind: str, ids: pd.Series[str]) -> pd.Series[str]:
    """The people's verdict on each of `ids`, empty where they gave none."""
    mine = reviews[reviews["subject_type"] == kind].set_index("subject_id")["verdict"]
    return ids.map(mine).astype(object).fillna("").astype(str)
