"""The queue: what burns money now, most dollars at risk times probability first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from graph.dossier import Dossier, as_list

PAGE = 50

_QUEUE = """
    WITH queue AS (
        SELECT s.*, coalesce(c.status, 'new') AS status,
               coalesce(c.assignee, '') AS assignee,
               coalesce(c.case_id, CASE s.subject_type
                   WHEN 'cluster' THEN s.subject_id
                   ELSE s.subject_type || ':' || s.subject_id END) AS case_id,
               coalesce(c.version, 0) AS version,
               s.score * s.at_risk_usd AS priority
        FROM subjects s LEFT JOIN standing c USING (subject_type, subject_id)
    )
    SELECT *, count(*) OVER () AS all_cases, sum(members) OVER () AS all_members,
           sum(cost_usd) OVER () AS all_usd, sum(at_risk_usd) OVER () AS all_at_risk,
           min(first_seen) OVER () AS oldest
    FROM queue
    WHERE (len($typologies) = 0 OR typology IN (SELECT unnest($typologies)))
      AND (len($statuses) = 0 OR status IN (SELECT unnest($statuses)))
      AND (len($types) = 0 OR subject_type IN (SELECT unnest($types)))
      AND members >= $least_members AND cost_usd >= $least_usd
      AND last_seen >= $active_since AND first_seen >= $begun_since
      AND ($paying = '' OR ($paying = 'with') = (paying_members > 0))
      AND ($assignee = '' OR assignee = $assignee)
      AND ($quiet OR action <> 'none' OR status NOT IN ('new', 'dismissed'))
    ORDER BY priority DESC, score * cost_usd DESC, subject_type, subject_id
    LIMIT $limit OFFSET $offset
"""

_ARRIVALS = """
    SELECT cluster_id, date_diff('day', first_seen, $as_of) AS days_ago,
           count(*) AS accounts
    FROM accounts
    WHERE cluster_id IN (SELECT unnest($clusters))
      AND first_seen > $as_of - INTERVAL 30 DAY
    GROUP BY ALL
"""


@dataclass(frozen=True)
class Filters:
    """What the queue is narrowed to; empty means all.

    `active_days` and `age_days` count back from the snapshot's time; `paying` is "",
    "with" or "without"; `quiet` shows linked clusters that nothing speaks against.
    """

    typologies: Sequence[str] = ()
    statuses: Sequence[str] = ("new", "in review", "waiting")
    types: Sequence[str] = ()
    least_members: int = 0
    least_usd: float = 0.0
    active_days: int | None = None
    age_days: int | None = None
    paying: str = ""
    assignee: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Page:
    """One page of the queue and what all its pages add up to."""

    rows: pd.DataFrame
    cases: int
    accounts: int
    cost_usd: float
    at_risk_usd: float
    oldest: datetime | None


def queue(
    dossier: Dossier, standing: pd.DataFrame, filters: Filters, page: int = 0
) -> Page:
    """Page number `page` (from 0), `PAGE` rows each; see `graph.dossier.standing`.

    Past the last page comes the first one.
    """
    asked = _parameters(dossier, filters)
    window: dict[str, object] = {"limit": PAGE, "offset": PAGE * page}
    rows = dossier.ask(_QUEUE, asked | window, standing=standing)
    if rows.empty and page > 0:
        return queue(dossier, standing, filters)
    rows["arrivals"] = _arrivals(dossier, rows)
    if rows.empty:
        return Page(rows, 0, 0, 0.0, 0.0, None)
    sums = rows.iloc[0]
    return Page(
        rows,
        int(sums["all_cases"]),
        int(sums["all_members"]),
        float(sums["all_usd"]),
        float(sums["all_at_risk"]),
        sums["oldest"].to_pydatetime(),
    )


def _parameters(dossier: Dossier, filters: Filters) -> dict[str, object]:
    as_of = pd.Timestamp(dossier.snapshot.as_of).tz_localize(None)
    dawn = pd.Timestamp(0)
    active, age = filters.active_days, filters.age_days
    return {
        "typologies": _texts(filters.typologies),
        "statuses": _texts(filters.statuses),
        "types": _texts(filters.types),
        "least_members": filters.least_members,
        "least_usd": filters.least_usd,
        "active_since": dawn if active is None else as_of - pd.Timedelta(days=active),
        "begun_since": dawn if age is None else as_of - pd.Timedelta(days=age),
        "paying": filters.paying,
        "assignee": filters.assignee,
        "quiet": filters.quiet,
    }


def _texts(values: Sequence[str]) -> list[str]:
    return [*values]


def _arrivals(dossier: Dossier, rows: pd.DataFrame) -> list[list[int]]:
    """New accounts a day over the last 30 days, oldest first, for each row."""
    clusters = rows.loc[rows["subject_type"] == "cluster", "subject_id"]
    asked = {"clusters": as_list(clusters.tolist()), "as_of": dossier.snapshot.as_of}
    found = dossier.ask(_ARRIVALS, asked)
    table = found.pivot_table(
        index="cluster_id", columns="days_ago", values="accounts", fill_value=0
    )
    table = table.reindex(index=rows["subject_id"], columns=range(29, -1, -1))
    return table.fillna(0).astype(int).to_numpy().tolist()
