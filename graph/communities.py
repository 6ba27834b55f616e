"""Accounts that the kept links join, split where one thread holds two groups together.

Clusters are the connected components over kept identifiers and kin pairs: no seed,
no resolution to tune, the same partition for any order of the input. Only what is
too large to be one operator is split again, by Leiden with a fixed seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from graph.kinship import Kin
from graph.link import LINKS_ABOVE, Edges, Floats, Ints

NO_CLUSTER = -1
# Above this a component is more likely two operators bridged by chance than one.
OVERSIZED = 1500


def components(left: Ints, right: Ints, size: int) -> Ints:
    """The component of each of `size` nodes that the edges left-right join."""
    matrix = coo_matrix((np.ones(left.size, np.int8), (left, right)), (size, size))
    _, labels = connected_components(matrix.tocsr(), directed=False)
    return labels.astype(np.int64)


def join(
    accounts: int,
    edges: Edges,
    score: Floats,
    kin: Kin,
    components_of: Callable[[Ints, Ints, int], Ints] = components,
) -> Ints:
    """Cluster number of each account, `NO_CLUSTER` for one that stands alone.

    `score` holds the nats of each identifier of `edges`; those above
    `graph.link.LINKS_ABOVE` join their accounts. `components_of` is the engine's
    `components`.
    """
    if not accounts:
        return np.zeros(0, dtype=np.int64)
    kept = score[edges.identifier] > LINKS_ABOVE if score.size else np.zeros(0, bool)
    left = np.concatenate([edges.account[kept], kin.left])
    right = np.concatenate([edges.identifier[kept] + accounts, kin.right])
    size = accounts + len(edges.identifiers)
    labels = components_of(left, right, size)
    labels = _split_oversized(labels, left, right, accounts)
    return _only_shared(labels[:accounts])


def _only_shared(labels: Ints) -> Ints:
    _, dense, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.where(counts[dense] >= 2, dense, NO_CLUSTER).astype(np.int64)


def _split_oversized(labels: Ints, left: Ints, right: Ints, accounts: int) -> Ints:
    sizes = np.bincount(labels[:accounts], minlength=int(labels.max()) + 1)
    result = labels.copy()
    following = int(labels.max()) + 1
    for component in np.flatnonzero(sizes > OVERSIZED):
        inside = labels[left] == component
        nodes, ends = np.unique(
            np.concatenate([left[inside], right[inside]]), return_inverse=True
        )
        half = ends.size // 2
        parts = _leiden(ends[:half], ends[half:], nodes.size)
        result[nodes] = following + parts
        following += int(parts.max()) + 1
    return result


def _leiden(left: Ints, right: Ints, size: int) -> Ints:
    """Communities of one component: NetworKit's Louvain with refinement, one thread.

    Imported here because its start-up costs more than most runs need.
    """
    import networkit

    networkit.setSeed(1, False)
    networkit.setNumberOfThreads(1)
    graph = networkit.Graph(size)
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        graph.addEdge(one, other)
    method = networkit.community.PLM(graph, refine=True, par="none")
    method.run()
    return np.asarray(method.getPartition().getVector(), dtype=np.int64)


def cluster_ids(
    labels: Ints, profiles: pd.DataFrame, core: npt.NDArray[np.bool_]
) -> pd.Series[str]:
    """The lasting id of each account's cluster: a hash of its earliest core account.

    A cluster without a core is named after its earliest member. Empty for an account
    in no cluster. `core` marks the core accounts.
    """
    members = pd.DataFrame(
        {
            "label": labels,
            "peripheral": ~core,
            "moment": profiles["created_at"].fillna(profiles["first_seen"]),
            "account_id": profiles["account_id"],
        }
    )
    members = members[members["label"] != NO_CLUSTER].sort_values(
        ["label", "peripheral", "moment", "account_id"], kind="stable"
    )
    first = members.drop_duplicates("label").set_index("label")["account_id"]
    names = first.map(_cluster_name)
    return pd.Series(labels).map(names).astype(object).fillna("").astype(str)


def _cluster_name(account_id: str) -> str:
    digest = hashlib.sha256(b"cluster\x1f" + account_id.encode()).hexdigest()
    return "C-" + digest[:12]
