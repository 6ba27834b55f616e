"""Clusters are the connected components of what is kept, whatever the order."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph import communities
from graph.communities import NO_CLUSTER, cluster_ids, join
from graph.kinship import Kin
from graph.link import Edges

NOBODY = np.zeros(0, dtype=np.int64)
NO_KIN = Kin(NOBODY, NOBODY, np.zeros(0), {})


def _edges(pairs: list[tuple[int, int]], identifiers: int) -> Edges:
    pairs = sorted(set(pairs), key=lambda pair: (pair[1], pair[0]))
    return Edges(
        account=np.array([a for a, _ in pairs], dtype=np.int64),
        identifier=np.array([i for _, i in pairs], dtype=np.int64),
        identifiers=pd.DataFrame({"kind": ["device"] * identifiers}),
    )


@given(
    pairs=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 9)), max_size=40),
    kept=st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_the_same_partition_as_networkx(
    pairs: list[tuple[int, int]], kept: list[bool]
) -> None:
    labels = join(20, _edges(pairs, 10), np.where(kept, 9.0, -9.0), NO_KIN)
    graph: nx.Graph[tuple[str, int]] = nx.Graph()
    graph.add_nodes_from(("account", account) for account in range(20))
    graph.add_edges_from(
        (("account", a), ("identifier", i)) for a, i in pairs if kept[i]
    )
    expected = {
        frozenset(n for kind, n in part if kind == "account")
        for part in nx.connected_components(graph)
    }
    found = {
        frozenset(np.flatnonzero(labels == label).tolist())
        for label in set(labels.tolist()) - {NO_CLUSTER}
    }
    assert found == {part for part in expected if len(part) > 1}


def test_an_oversized_component_is_split_at_its_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Two dense groups of thirty that one account ties together.
    pairs = [(a, i) for a in range(30) for i in range(5)]
    pairs += [(a, i) for a in range(30, 60) for i in range(5, 10)]
    pairs += [(0, 5)]
    monkeypatch.setattr(communities, "OVERSIZED", 40)
    labels = join(60, _edges(pairs, 10), np.full(10, 9.0), NO_KIN)
    assert labels[1] != labels[59]
    assert len(set(labels[1:30].tolist())) == 1
    assert len(set(labels[31:].tolist())) == 1


def test_a_cluster_is_named_after_its_earliest_core_account() -> None:
    profiles = pd.DataFrame(
        {
            "account_id": ["a", "b", "c", "alone"],
            "created_at": pd.to_datetime(
                ["2026-03-03", "2026-03-02", "2026-03-01", "NaT"]
            ),
            "first_seen": pd.to_datetime(["2026-03-03"] * 4),
        }
    )
    labels = np.array([0, 0, 0, NO_CLUSTER])
    core = np.array([True, True, False, False])
    names = cluster_ids(labels, profiles, core)
    without_bystander = cluster_ids(
        np.array([0, 0, NO_CLUSTER, NO_CLUSTER]), profiles, core
    )
    assert names[0] == names[2] == without_bystander[1]
    assert names[3] == ""
