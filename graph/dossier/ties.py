"""Why two things are linked, and by which way one leads to the other."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx
import pandas as pd

from graph.dossier import Dossier, as_list
from graph.dossier.picture import KINDS

# A step over what more accounts share, and what links nobody, leads nowhere.
PATH_HUB = 25
PATH_STEPS = 6
_FRONTIER = 5_000

_THINGS = """
    SELECT 'account:' || account_id AS account, kind || ':' || identifier AS thing
    FROM ties_of_account
    WHERE account_id IN (SELECT unnest($names)) AND accounts > 1
      AND (links OR (accounts <= $hub AND kind IN (SELECT unnest($kinds))))
    ORDER BY ALL LIMIT $most
"""

_SHARERS = """
    SELECT 'account:' || account_id AS account, kind || ':' || identifier AS thing
    FROM ties_of_thing
    WHERE identifier IN (SELECT unnest($identifiers))
      AND (kind || ':' || identifier) IN (SELECT unnest($names))
      AND (links OR accounts <= $hub)
    ORDER BY ALL LIMIT $most
"""

_TIE = """
    SELECT * FROM ties_of_thing
    WHERE account_id IN (SELECT unnest($accounts)) AND kind = $kind
      AND identifier = $identifier
    ORDER BY account_id
"""

_COMMON = """
    SELECT kind, identifier, any_value(masked) AS masked, any_value(class) AS class,
           any_value(accounts) AS accounts, any_value(links) AS links,
           any_value(weight) AS weight,
           min(first_seen) AS first_seen, max(last_seen) AS last_seen
    FROM ties_of_account
    WHERE account_id IN ($a, $b) AND accounts > 1
    GROUP BY kind, identifier HAVING count(*) > 1
    ORDER BY links DESC, weight DESC NULLS LAST, kind, identifier
"""


_LABELS = """
    SELECT kind || ':' || identifier AS node, masked FROM identifiers
    WHERE identifier IN (SELECT unnest($names)) AND kind NOT IN ('key', 'tenant')
      AND masked <> ''
"""


def tie(dossier: Dossier, accounts: Iterable[str], thing: str) -> pd.DataFrame:
    """What is known of some accounts' use of one identifier: one row an account."""
    kind, _, identifier = thing.partition(":")
    asked = {"accounts": as_list([*accounts]), "kind": kind, "identifier": identifier}
    return dossier.ask(_TIE, asked)


def common(dossier: Dossier, one: str, other: str) -> pd.DataFrame:
    """What two accounts share, what links them first; weights in nats."""
    return dossier.ask(_COMMON, {"a": one, "b": other})


def path(dossier: Dossier, start: str, goal: str) -> list[str]:
    """The shortest way between two nodes, both included; empty when there is none.

    Steps over identifiers that link nobody and that more than `PATH_HUB` accounts
    share are not taken, nor more than `PATH_STEPS` steps.
    """
    web: nx.Graph[str] = nx.Graph()
    web.add_nodes_from([start, goal])
    fronts = [{start}, {goal}]
    for step in range(PATH_STEPS):
        if nx.has_path(web, start, goal):
            break
        side = step % 2 if all(fronts) else int(not fronts[0])
        fronts[side] = _grow(dossier, web, fronts[side])
    if not nx.has_path(web, start, goal):
        return []
    # The smallest of equally short ways, so that the answer is always the same one.
    return min(nx.all_shortest_paths(web, start, goal))


def labels(dossier: Dossier, nodes: Iterable[str]) -> dict[str, str]:
    """How each node reads: an identifier's masked value, any other's own name."""
    names = {node: node.partition(":")[2] for node in nodes}
    found = dossier.ask(_LABELS, {"names": as_list(sorted(set(names.values())))})
    masked = dict(zip(found["node"], found["masked"], strict=True))
    return {node: masked.get(node) or name for node, name in names.items()}


def _grow(dossier: Dossier, web: nx.Graph[str], front: set[str]) -> set[str]:
    """Add the links of the nodes in `front`; returns the nodes that are new."""
    accounts = sorted(n.partition(":")[2] for n in front if n.startswith("account:"))
    things = sorted(n for n in front if not n.startswith("account:"))
    limits: dict[str, object] = {"hub": PATH_HUB, "most": _FRONTIER}
    bare = as_list([thing.partition(":")[2] for thing in things])
    named: dict[str, object] = {"names": as_list(things), "identifiers": bare}
    found = [dossier.ask(_SHARERS, limits | named)]
    kinds: dict[str, object] = {"kinds": [*KINDS]}
    found.append(dossier.ask(_THINGS, limits | kinds | {"names": as_list(accounts)}))
    before = set(web.nodes)
    for frame in found:
        web.add_edges_from(zip(frame["account"], frame["thing"], strict=True))
    return set(web.nodes) - before
