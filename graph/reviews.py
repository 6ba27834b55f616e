"""What people have decided: the latest review of each subject that still holds."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pandas as pd

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
        FROM seen WHERE type IN ('account.reviewed', 'key.reviewed', 'tenant.reviewed')
    )
    WHERE age = 1 AND verdict <> 'withdrawn'
      AND (expires_at IS NULL OR expires_at > ?)
    ORDER BY subject_type, subject_id
"""


def latest_reviews(
    connection: duckdb.DuckDBPyConnection, as_of: datetime
) -> pd.DataFrame:
    """Columns subject_type, subject_id, verdict (abusive, legitimate), reviewer."""
    return connection.execute(_LATEST, [as_of]).df()


def verdict_of(reviews: pd.DataFrame, kind: str, ids: pd.Series[str]) -> pd.Series[str]:
    """The people's verdict on each of `ids`, empty where they gave none."""
    mine = reviews[reviews["subject_type"] == kind].set_index("subject_id")["verdict"]
    return ids.map(mine).fillna("").astype(str)
