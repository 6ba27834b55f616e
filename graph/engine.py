"""Where linking runs: in this process, or on the machines of a cluster.

An engine finds the shared identifiers, scores them by the formulas of `graph.link`,
and joins accounts into components. All that follows (soft links, oversized clusters,
detectors, verdicts) reads what it made and does not know which engine it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb
import numpy as np
import pandas as pd

from graph.communities import components
from graph.link import (
    Edges,
    Flags,
    Floats,
    Ints,
    score_identifiers,
    shared_edges,
)


@dataclass(frozen=True)
class Population:
    """The accounts to link, in the order of `profiles`.

    `created` is each creation in seconds on the sign-up clock, `span_seconds` the
    length of the log, `harmed` who consumed without paying.
    """

    profiles: pd.DataFrame
    created: Floats
    span_seconds: float
    harmed: Flags

    @property
    def place(self) -> Ints:
        """Each account's place in the order of creation, then of the frame."""
        moments = self.profiles["created_at"].fillna(self.profiles["first_seen"])
        order = np.argsort(moments.to_numpy(), kind="stable")
        place = np.empty(order.size, dtype=np.int64)
        place[order] = np.arange(order.size)
        return place


class Engine(Protocol):
    """One way to run the linking; every engine gives the same edges and components."""

    def link(
        self,
        connection: duckdb.DuckDBPyConnection,
        population: Population,
        further_kinds: Sequence[str],
    ) -> tuple[Edges, Floats]:
        """The shared identifiers with their accounts, and each identifier's nats.

        `connection` is the one that `graph.observations.observe` prepared.
        """
        ...

    def components(self, left: Ints, right: Ints, size: int) -> Ints:
        """The component of each of `size` nodes that the edges left-right join."""
        ...


@dataclass(frozen=True)
class OneMachine:
    """DuckDB, NumPy and SciPy in this process."""

    def link(
        self,
        connection: duckdb.DuckDBPyConnection,
        population: Population,
        further_kinds: Sequence[str],
    ) -> tuple[Edges, Floats]:
        """Read the observations, score every shared identifier."""
        edges = shared_edges(connection, population.profiles, further_kinds)
        score = score_identifiers(
            edges, population.created, population.harmed, population.span_seconds
        )
        return edges, score

    def components(self, left: Ints, right: Ints, size: int) -> Ints:
        """SciPy's connected components."""
        return components(left, right, size)


ONE_MACHINE = OneMachine()
