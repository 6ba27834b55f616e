"""What the page asks: questions to the derived tables and the ledger, as frames.

Everything here is read-only DuckDB over Parquet, so it works with the graph
database down. Times are naive UTC, money US dollars, scores probabilities (0 to 1),
weights nats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from graph.derived import Snapshot
from graph.dossier.index import index, plain_views
from ingest.workspace import Workspace

# What a day of waiting costs: the rate at which members burn now, and the chargebacks
# expected of cards already charged. A key or tenant has no rate of its own in the
# derived tables, so its is the mean since the first abuse, none once it is revoked.
_SUBJECTS = """
    CREATE VIEW subjects AS
    SELECT 'cluster' AS subject_type, cluster_id AS subject_id, typology, score, action,
           accounts AS members, paying_members, cost_usd,
           24 * coalesce(at_risk_usd_per_hour, 0)
               + coalesce(expected_chargebacks_usd, 0) AS at_risk_usd,
           first_seen, last_seen, summary
    FROM clusters
    UNION ALL
    SELECT 'key', key_id, typology, score, action, 1, 0, cost_usd,
           CASE WHEN revoked_at IS NULL THEN 24 * cost_usd / greatest(1,
               date_diff('second', coalesce(first_abuse_at, first_seen), last_seen)
               / 3600.0) ELSE 0 END,
           first_seen, last_seen, audit
    FROM keys WHERE action <> 'none'
    UNION ALL
    SELECT 'tenant', tenant_id, typology, score, action, members, 0, cost_usd,
           24 * cost_usd / greatest(1,
               date_diff('second', first_seen, last_seen) / 3600.0),
           first_seen, last_seen, culprit
    FROM tenants WHERE action <> 'none'
"""


@dataclass(frozen=True)
class Dossier:
    """One snapshot, opened for questions; safe to share between threads."""

    workspace: Workspace
    snapshot: Snapshot
    connection: duckdb.DuckDBPyConnection

    @classmethod
    def open(cls, workspace: Workspace) -> Dossier:
        """The newest snapshot. Raises `LedgerError` when nothing was detected yet."""
        snapshot = Snapshot.current(workspace)
        connection = snapshot.connect()
        connection.execute(_SUBJECTS)
        plain_views(connection)
        return cls(workspace, snapshot, connection)

    def index(self) -> None:
        """Make questions for single things quick; see `graph.dossier.index`.

        Takes seconds for a large snapshot, once; others may ask meanwhile.
        """
        index(self.workspace, self.snapshot, self.connection)

    @property
    def name(self) -> str:
        """The snapshot's name, which decisions and exports carry."""
        return self.snapshot.folder.name

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, object] | Sequence[object] = (),
        **frames: pd.DataFrame,
    ) -> pd.DataFrame:
        """Rows of a query; each of `frames` is a table of that name in it."""
        with self.connection.cursor() as cursor:
            for name, frame in frames.items():
                cursor.register(name, frame)
            return cursor.execute(sql, parameters or None).df()


def as_list(values: Sequence[str]) -> list[str]:
    """A list parameter; DuckDB can't tell the type of an empty one, so never empty."""
    return [*values] or [""]
