"""What a company has without this tool: one rule on one identifier, or one number."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from graph.communities import components

# More accounts than this on one sign-up address, as a rule per address counts.
ACCOUNTS_AN_ADDRESS = 3
LEAST_COMPONENT = 5
HEAVIEST_SHARE = 0.05

_BY_ADDRESS = """
    SELECT DISTINCT o.account_id FROM observations o
    JOIN identifiers i USING (kind, identifier)
    WHERE o.kind = 'ip' AND i.accounts > ?
"""
_BY_DEVICE = """
    SELECT DISTINCT o.account_id FROM observations o
    JOIN identifiers i USING (kind, identifier)
    WHERE o.kind IN ('device', 'card', 'phone') AND i.accounts > 1
"""
_BY_MAIL = """
    SELECT DISTINCT o.account_id FROM observations o
    JOIN identifiers i USING (kind, identifier)
    WHERE o.kind = 'email' AND i.class = 'disposable'
"""
_BY_VOLUME = """
    SELECT account_id FROM accounts
    QUALIFY percent_rank() OVER (ORDER BY usage_usd DESC, account_id) <= ?
"""
_SHARED = """
    SELECT DISTINCT account_id, kind || ':' || identifier AS identifier
    FROM observations JOIN identifiers i USING (kind, identifier)
    WHERE kind IN ('device', 'card', 'phone') AND i.accounts > 1
"""


def beside_rivals(
    connection: duckdb.DuckDBPyConnection, labels: pd.DataFrame
) -> pd.DataFrame:
    """Each rival's and our own flags against labels, from the derived tables.

    Columns method, flagged, precision, recall, innocents (how many innocents it
    flags). `labels` has columns account_id and abusive (bool).
    """
    acted = connection.execute("SELECT account_id, action FROM accounts").df()
    flagged = flagged_by_rivals(connection)
    flagged["Ringfence: ban"] = set(acted.loc[acted["action"] == "ban", "account_id"])
    flagged["Ringfence: ban or review"] = set(
        acted.loc[acted["action"] != "none", "account_id"]
    )
    abusive = labels.set_index("account_id")["abusive"]
    return pd.DataFrame(
        [(name, *_measured(ids, abusive)) for name, ids in flagged.items()],
        columns=["method", "flagged", "precision", "recall", "innocents"],
    )


def flagged_by_rivals(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Accounts that each rival would act on, by its name."""
    return {
        "a rule per IP address": _ids(connection, _BY_ADDRESS, ACCOUNTS_AN_ADDRESS),
        "a rule per shared device, card or phone": _ids(connection, _BY_DEVICE),
        "disposable mail domains": _ids(connection, _BY_MAIL),
        "volume alone": _ids(connection, _BY_VOLUME, HEAVIEST_SHARE),
        "connected components": _components(connection.execute(_SHARED).df()),
    }


def _measured(ids: set[str], abusive: pd.Series[bool]) -> tuple[int, float, float, int]:
    hit = abusive.index.isin(list(ids))
    right = int((hit & abusive.to_numpy()).sum())
    flagged = int(hit.sum())
    return (
        flagged,
        right / flagged if flagged else float("nan"),
        right / max(int(abusive.sum()), 1),
        flagged - right,
    )


def _ids(connection: duckdb.DuckDBPyConnection, query: str, *limits: float) -> set[str]:
    return {row[0] for row in connection.execute(query, list(limits)).fetchall()}


def _components(pairs: pd.DataFrame) -> set[str]:
    account, names = pd.factorize(pairs["account_id"])
    identifier, values = pd.factorize(pairs["identifier"])
    size = len(names) + len(values)
    label = components(account, identifier + len(names), size)[: len(names)]
    members = np.bincount(label)
    return set(np.asarray(names)[members[label] >= LEAST_COMPONENT].tolist())
