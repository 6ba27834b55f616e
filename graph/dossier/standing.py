"""Where each case stands, for the clusters as they are now.

A cluster's id may change as it grows; a case follows it by its members. A dismissed
cluster stays dismissed until something new speaks against it, and so does one whose
every link a person has cleared.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from graph import case_records
from graph.cases import Cases
from graph.dossier import Dossier, as_list
from graph.dossier.doubt import cleared, cleared_away

# A case follows to the cluster that holds at least half of the larger of the two:
# a farm that swallows a small dismissed cluster does not inherit the dismissal.
_FOLLOWED = """
    WITH size_then AS (
        SELECT case_id, count(*) AS members FROM case_members GROUP BY case_id
    ), overlap AS (
        SELECT a.cluster_id, m.case_id, count(*) AS common
        FROM case_members m JOIN accounts a USING (account_id)
        WHERE a.cluster_id <> '' GROUP BY ALL
    )
    SELECT o.cluster_id AS subject_id,
           arg_max(o.case_id, (o.common, o.case_id)) AS case_id
    FROM overlap o JOIN clusters c USING (cluster_id) JOIN size_then t USING (case_id)
    WHERE 2 * o.common >= greatest(t.members, c.accounts)
       OR o.case_id = o.cluster_id
    GROUP BY o.cluster_id
"""

# Everything that grows counts by doublings, so that it is news when it doubled.
_SPEAKS = """
    WITH shared AS (
        SELECT cluster_id, kind, identifier FROM ties_of_cluster
        WHERE cluster_id IN (SELECT unnest($clusters)) AND links
        GROUP BY ALL HAVING count(*) > 1
    ), grown AS (
        SELECT cluster_id, 'members' AS what, accounts::DOUBLE AS amount FROM clusters
        UNION ALL SELECT cluster_id, 'dollars', cost_usd FROM clusters
        UNION ALL
        SELECT cluster_id, 'shared ' || kind, count(*) FROM shared GROUP BY ALL
    )
    SELECT cluster_id, what || ' ≥ ' || (2 ** unnest(range(0,
               1 + floor(log2(greatest(amount, 1)))::BIGINT)))::BIGINT AS token
    FROM grown WHERE cluster_id IN (SELECT unnest($clusters)) AND amount >= 1
    UNION ALL
    SELECT DISTINCT coalesce(a.cluster_id, r.subject_id), r.code
    FROM reasons r
    LEFT JOIN accounts a ON r.subject_type = 'account' AND a.account_id = r.subject_id
    WHERE r.subject_type IN ('account', 'cluster') AND r.family <> 'benign'
      AND coalesce(a.cluster_id, r.subject_id) IN (SELECT unnest($clusters))
    ORDER BY ALL
"""

# A case on a cluster bears its id alone, any other its type too.
_NAMED = r"(?s)^(?:(account|key|tenant|identifier):)?(.*)$"

_COLUMNS = ("subject_type", "subject_id", "case_id", "status", "assignee", "version")


def evidence(dossier: Dossier, cluster_ids: list[str]) -> dict[str, list[str]]:
    """What speaks against each cluster now, as tokens that a dismissal remembers."""
    if not cluster_ids:
        return {}
    found = dossier.ask(_SPEAKS, {"clusters": as_list(cluster_ids)})
    return {
        str(name): tokens.tolist()
        for name, tokens in found.groupby("cluster_id")["token"]
    }


def standing(dossier: Dossier, cases: Cases, at: datetime) -> pd.DataFrame:
    """One row a subject that has a case: where it stands and at which version.

    Columns subject_type, subject_id, case_id, status, assignee, version. A case on
    an account, key or tenant is named by type and id (`key:k-1`).
    """
    with cases.reading() as connection:
        states = case_records.states(connection, at)
        members = case_records.members(connection)
    followed = dossier.ask(_FOLLOWED, case_members=members)
    named = states["case_id"].astype(str).str.extract(_NAMED)
    plain = pd.DataFrame(
        {
            "subject_type": named[0].fillna("cluster"),
            "subject_id": named[1],
            "case_id": states["case_id"],
        }
    )
    follows = followed.assign(subject_type="cluster")
    frame = pd.concat([follows, plain]).drop_duplicates(["subject_type", "subject_id"])
    frame = frame.merge(states, on="case_id")
    frame["status"] = _reopened(dossier, frame)
    quiet = cleared_away(dossier, cleared(cases, at))
    frame = _set_aside(frame[list(_COLUMNS)], quiet)
    return frame.reset_index(drop=True)


def _set_aside(frame: pd.DataFrame, clusters: list[str]) -> pd.DataFrame:
    """The frame with clusters whose links were cleared dismissed, unless decided."""
    mine = (frame["subject_type"] == "cluster") & frame["subject_id"].isin(clusters)
    undecided = mine & frame["status"].isin(["new", "in review"])
    known = frame.assign(status=frame["status"].mask(undecided, "dismissed"))
    untouched = [
        name for name in clusters if name not in set(frame.loc[mine, "subject_id"])
    ]
    fresh = pd.DataFrame({"subject_id": untouched, "case_id": untouched}, dtype=str)
    fresh = fresh.assign(
        subject_type="cluster", status="dismissed", assignee="", version=0
    )
    return pd.concat([known, fresh[list(_COLUMNS)]]) if untouched else known


def _reopened(dossier: Dossier, frame: pd.DataFrame) -> pd.Series[str]:
    """The status, with dismissals that new evidence speaks against put to new."""
    dismissed = frame[(frame["status"] == "dismissed")]
    dismissed = dismissed[dismissed["subject_type"] == "cluster"]
    now = evidence(dossier, dismissed["subject_id"].tolist())
    fresh = [
        bool(case_records.new_evidence(then, now.get(name, [])))
        for name, then in zip(
            dismissed["subject_id"], dismissed["evidence"], strict=True
        )
    ]
    reopened = frame.index.isin(dismissed.index[fresh])
    return frame["status"].mask(reopened, "new")
