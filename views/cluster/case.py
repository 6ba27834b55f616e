"""The cluster under investigation, with where its case stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import streamlit as st

from graph import case_records
from graph.dossier.clusters import Cluster
from views.desk import Desk
from views.trail import Trail, follow, from_text, to_text

Window = tuple[datetime, datetime]

# The parts of the page that run alone, as `st.rerun` names them.
GRAPH, BESIDE, BELOW = "graph", "beside", "below"


@dataclass(frozen=True)
class Case:
    """What every part of the page draws from."""

    here: Desk
    cluster: Cluster
    case_id: str
    status: str
    assignee: str
    version: int

    @property
    def id(self) -> str:
        """The cluster's id."""
        return self.cluster.cluster_id

    def key(self, name: str) -> str:
        """The key of a widget of this cluster."""
        return f"{name}-{self.id}"

    @property
    def trail(self) -> Trail:
        """The steps taken in the graph, first from the address."""
        key = self.key("trail")
        if key not in st.session_state:
            steps = from_text(st.query_params.get("graph", ""))
            st.session_state[key] = Trail(steps)
        trail: Trail = st.session_state[key]
        return trail

    def keep(self, trail: Trail) -> None:
        """Remember the steps, in the address too, so that a refresh keeps them."""
        st.session_state[self.key("trail")] = trail
        text = to_text(trail.steps)
        if text:
            st.query_params["graph"] = text
        elif "graph" in st.query_params:
            del st.query_params["graph"]

    def step(self, event: Mapping[str, object], groups: Mapping[str, str]) -> None:
        """Take a step in the graph, from a callback; see `views.trail.follow`."""
        self.keep(follow(self.trail, event, groups))
        st.rerun([GRAPH, BESIDE])

    @property
    def painted(self) -> bool:
        """Whether the browser has drawn the graph."""
        return bool(st.session_state.get(self.key("linkgraph"), {}).get("painted"))

    @property
    def window(self) -> Window | None:
        """The time that graph and members are narrowed to, if any."""
        kept: Window | None = st.session_state.get(self.key("window"))
        return kept

    @property
    def timeline(self) -> str:
        """The key of the timeline's chart: a new one once its brush was given up."""
        return self.key(f"timeline-{st.session_state.get(self.key('widened'), 0)}")

    def narrow(self) -> None:
        """Narrow to the brushed time, from a callback; it stays when its tab closes."""
        state = st.session_state[self.timeline]
        brushed: Sequence[float] = state["selection"].get("time", {}).get("at", [])
        if len(brushed) == 2:
            start, end = (pd.Timestamp(ms, unit="ms") for ms in brushed)
            window = start.to_pydatetime(), end.to_pydatetime()
            st.session_state[self.key("window")] = window
        else:
            st.session_state.pop(self.key("window"), None)
        st.rerun([GRAPH, BELOW])

    def widen(self) -> None:
        """Give the brushed time up, from a callback."""
        st.session_state.pop(self.key("window"), None)
        widened = self.key("widened")
        st.session_state[widened] = st.session_state.get(widened, 0) + 1
        st.rerun([GRAPH, BELOW])


def open_case(here: Desk, cluster: Cluster) -> Case:
    """The case of a cluster; a case follows its cluster by members."""
    stands = here.standing()
    mine = stands[
        (stands["subject_type"] == "cluster")
        & (stands["subject_id"] == cluster.cluster_id)
    ]
    if mine.empty:
        with here.cases.reading() as connection:
            version = case_records.version(connection, cluster.cluster_id)
        return Case(here, cluster, cluster.cluster_id, "new", "", version)
    row = mine.iloc[0]
    return Case(
        here,
        cluster,
        str(row["case_id"]),
        str(row["status"]),
        str(row["assignee"]),
        int(row["version"]),
    )
