"""Whom a decision would hit, and which links to cut so that it spares someone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import pandas as pd

from graph.dossier import Dossier, as_list

_HIT = """
    SELECT account_id, role,
           greatest(0, paid_usd - coalesce(disputed_usd, 0)) AS revenue_usd,
           date_diff('day', coalesce(created_at, first_seen), $as_of) AS tenure_days,
           last_seen > $as_of - INTERVAL 7 DAY AS active
    FROM accounts WHERE account_id IN (SELECT unnest($accounts))
"""

_LINKS = """
    SELECT account_id, kind, identifier, greatest(weight, 0.1) AS weight, masked, role
    FROM ties_of_cluster WHERE cluster_id = $cluster AND links
"""


@dataclass(frozen=True)
class Blast:
    """What a harsh verdict over some accounts would cost if they were innocent.

    `revenue_usd` is what they paid and did not dispute, ever; tenure in days.
    """

    accounts: int
    paying: int
    revenue_usd: float
    longest_tenure: int
    active: int
    bystanders: int
    paying_ids: tuple[str, ...]


def blast(dossier: Dossier, accounts: Sequence[str]) -> Blast:
    """The blast radius of a verdict over `accounts`."""
    asked = {"accounts": as_list(accounts), "as_of": dossier.snapshot.as_of}
    hit = dossier.ask(_HIT, asked)
    paying = hit[hit["revenue_usd"] > 0]
    return Blast(
        accounts=len(hit),
        paying=len(paying),
        revenue_usd=float(hit["revenue_usd"].sum()),
        longest_tenure=int(hit["tenure_days"].max()) if len(hit) else 0,
        active=int(hit["active"].fillna(False).sum()),
        bystanders=int((hit["role"] == "bystander").sum()),
        paying_ids=tuple(sorted(paying["account_id"])),
    )


def smallest_cut(dossier: Dossier, cluster_id: str, account_id: str) -> pd.DataFrame:
    """The lightest identifiers to set aside so that an account hangs on no core member.

    Columns kind, identifier, masked, weight (nats). Empty when nothing ties it to
    the core. A minimum cut (NetworkX) of accounts against identifiers, where
    cutting an identifier costs its weight.
    """
    links = dossier.ask(_LINKS, {"cluster": cluster_id})
    core = set(links.loc[links["role"] == "core", "account_id"]) - {account_id}
    web = _flow(links, core)
    if account_id not in web or not core:
        return links.iloc[:0][["kind", "identifier", "masked", "weight"]]
    _, (mine, _) = nx.minimum_cut(web, account_id, _CORE)
    thing = links["kind"] + ":" + links["identifier"]
    entry, leave = thing.map(lambda t: (t, "in")), thing.map(lambda t: (t, "out"))
    cut = links[entry.isin(mine) & ~leave.isin(mine)]
    cut = cut.drop_duplicates(["kind", "identifier"])
    return cut[["kind", "identifier", "masked", "weight"]].sort_values(
        ["kind", "identifier"], ignore_index=True
    )


_CORE = ("", "core")


def _flow(links: pd.DataFrame, core: set[str]) -> nx.DiGraph[object]:
    """A flow network: through an identifier flows no more than its weight."""
    web: nx.DiGraph[object] = nx.DiGraph()
    for row in links.itertuples():
        thing = f"{row.kind}:{row.identifier}"
        web.add_edge((thing, "in"), (thing, "out"), capacity=float(str(row.weight)))
        web.add_edge(row.account_id, (thing, "in"))
        web.add_edge((thing, "out"), row.account_id)
        if row.account_id in core:
            web.add_edge(row.account_id, _CORE)
    return web
