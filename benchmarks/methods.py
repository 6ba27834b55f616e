"""The ways to join accounts that are measured: ours and the usual ones.

Each takes a `Sharing` and gives one group number an account; an account joined to
nobody is in a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from benchmarks.sharing import Ints, Sharing
from graph.communities import join
from graph.kinship import Kin
from graph.link import score_identifiers, usual_span

Method = Callable[[Sharing], Ints]
_PROJECTION_CAP = 50


def ringfence(sharing: Sharing) -> Ints:
    """Score identifiers, drop the rest, join (`graph.link`, `graph.communities`).

    The data sets know nothing of harm, so no account counts as harmful and no soft
    links between suspects are sought.
    """
    score = score_identifiers(
        sharing.edges,
        sharing.created,
        np.zeros(sharing.accounts, bool),
        usual_span(sharing.created),
    )
    empty = np.zeros(0, np.int64)
    kin = Kin(empty, empty, np.zeros(0), {})
    return join(sharing.accounts, sharing.edges, score, kin)


def components(most: int | None = None) -> Method:
    """Connected components over identifiers of at most `most` accounts (None: all)."""

    def method(sharing: Sharing) -> Ints:
        edges = sharing.edges
        size = sharing.accounts + len(edges.identifiers)
        usable = np.full(edges.account.size, True)
        if most is not None:
            usable = edges.degree[edges.identifier] <= most
        ends = (
            edges.account[usable],
            edges.identifier[usable] + sharing.accounts,
        )
        matrix = coo_matrix((np.ones(ends[0].size, np.int8), ends), (size, size))
        _, labels = connected_components(matrix.tocsr(), directed=False)
        return labels[: sharing.accounts].astype(np.int64)

    return method


def louvain(sharing: Sharing) -> Ints:
    """NetworkX Louvain on the unweighted projection, identifiers of 50 or fewer."""
    left, right = sharing.pairs(_PROJECTION_CAP)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(sharing.accounts))
    graph.add_edges_from(zip(left.tolist(), right.tolist(), strict=True))
    labels = np.zeros(sharing.accounts, np.int64)
    for number, group in enumerate(nx.community.louvain_communities(graph, seed=1)):
        labels[list(group)] = number
    return labels


def plm(sharing: Sharing) -> Ints:
    """NetworKit's Louvain with refinement on the same projection, one thread."""
    import networkit

    networkit.setSeed(1, False)
    left, right = sharing.pairs(_PROJECTION_CAP)
    graph = networkit.GraphFromCoo(
        coo_matrix(
            (np.ones(left.size), (left, right)), (sharing.accounts, sharing.accounts)
        ),
        n=sharing.accounts,
    )
    method = networkit.community.PLM(graph, refine=True, par="none")
    method.run()
    return np.asarray(method.getPartition().getVector(), dtype=np.int64)


METHODS: dict[str, Method] = {
    "Ringfence": ringfence,
    "components, all identifiers": components(),
    "components, at most 50 accounts": components(50),
    "components, at most 10 accounts": components(10),
    "NetworkX Louvain, at most 50": louvain,
    "NetworKit PLM, at most 50": plm,
}
