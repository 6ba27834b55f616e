"""What the account detectors look at: accounts, their links, their clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from graph.communities import NO_CLUSTER, join
from graph.engine import ONE_MACHINE, Engine, Population
from graph.handoff import handoffs
from graph.harm import (
    billing_harm,
    drained_a_card,
    ended,
    harmed,
    left_owing,
    took_unpaid,
)
from graph.kinship import Kin, find_kin
from graph.link import (
    LINKS_ABOVE,
    Edges,
    Floats,
    Ints,
    base_harm,
    usual_span,
)
from graph.seen import look_away

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """The accounts of one run, in the order of `profiles`, and what joins them.

    `created` is each sign-up's place in the sequence of all sign-ups, scaled to
    seconds: a rush that everybody takes part in is no burst on this clock.
    """

    profiles: pd.DataFrame
    edges: Edges
    score: Floats
    kin: Kin
    cluster: Ints
    created: Floats
    span_seconds: float
    harmed: Flags
    took: Flags
    billing: Flags
    owing: Flags
    hasty: Flags
    ended: Flags
    usual_harm: float
    handoff_nats: Floats
    handoffs: Floats

    @property
    def size(self) -> int:
        """How many accounts there are."""
        return len(self.profiles)

    @property
    def linking(self) -> Flags:
        """Which rows of `edges` belong to an identifier that links."""
        if not self.score.size:
            return np.zeros(0, bool)
        return np.asarray(self.score[self.edges.identifier] > LINKS_ABOVE)

    @property
    def firmly_linked(self) -> Flags:
        """Whether the very device that an account signed up on links it."""
        edges, rows = self.edges, np.flatnonzero(self.linking)
        account = edges.account[rows]
        value = edges.identifiers["identifier"].to_numpy()[edges.identifier[rows]]
        device = (edges.identifiers["kind"] == "device").to_numpy()
        own = self.profiles["sign_up_device"].to_numpy()[account] == value
        firm = account[own & device[edges.identifier[rows]]]
        return np.bincount(firm, minlength=self.size) > 0

    @property
    def clustered(self) -> Flags:
        """Whether each account is in a cluster."""
        return np.asarray(self.cluster != NO_CLUSTER)

    def per_cluster(self, values: npt.NDArray[np.generic]) -> Floats:
        """Each account's sum of `values` over its cluster; zero outside of one."""
        inside = self.clustered
        sums = np.bincount(
            self.cluster[inside],
            weights=values[inside].astype(float),
            minlength=int(self.cluster.max(initial=0)) + 1,
        )
        return np.where(inside, sums[np.maximum(self.cluster, 0)], 0.0)


def compose(
    connection: duckdb.DuckDBPyConnection,
    profiles: pd.DataFrame,
    further_kinds: Sequence[str] = (),
    engine: Engine = ONE_MACHINE,
) -> Scene:
    """Link and cluster the accounts of `profiles` (see `graph.profile.profile`).

    Looks away from the events (`graph.seen.look_away`) before soft links are sought:
    either of the two fills the memory alone.
    """
    took, billing = took_unpaid(profiles), billing_harm(profiles)
    suspects = harmed(profiles)
    created, span = _sign_up_clock(profiles)
    population = Population(profiles, created, span, suspects)
    edges, score = engine.link(connection, population, further_kinds)
    connection.register("suspects", profiles.loc[suspects, ["account_id"]])
    handoff_nats, handoff_count = handoffs(connection, profiles["account_id"])
    look_away(connection)
    kin = find_kin(profiles, suspects)
    return Scene(
        profiles=profiles,
        edges=edges,
        score=score,
        kin=kin,
        cluster=join(len(profiles), edges, score, kin, engine.components),
        created=created,
        span_seconds=span,
        harmed=suspects,
        took=took,
        billing=billing,
        owing=left_owing(profiles),
        hasty=drained_a_card(profiles),
        ended=ended(profiles),
        usual_harm=base_harm(suspects),
        handoff_nats=handoff_nats,
        handoffs=handoff_count,
    )


def _sign_up_clock(profiles: pd.DataFrame) -> tuple[Floats, float]:
    moment = profiles["created_at"].fillna(profiles["first_seen"])
    seconds = moment.astype("datetime64[s]").astype("int64").to_numpy().astype(float)
    if not seconds.size:
        return seconds, 0.0
    span = usual_span(seconds)
    place = pd.Series(seconds).rank(method="average").to_numpy()
    even = (place - 1) / max(seconds.size - 1, 1) * span
    # Half by the clock, half by the sequence: a log of few sign-ups has no sequence
    # to speak of, a launch has no clock.
    steady = np.minimum(1.0, seconds.size / 2000)
    return steady * even + (1 - steady) * (seconds - seconds.min()), span
