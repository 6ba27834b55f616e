"""The page of one cluster: understand it in ten seconds, test the doubt, decide."""

from __future__ import annotations

import streamlit as st

from graph.dossier.clusters import cluster
from views.cluster.case import open_case
from views.cluster.heading import draw as draw_heading
from views.cluster.network import draw as draw_network
from views.cluster.tabs import draw as draw_tabs
from views.desk import Desk, desk, go
from views.words import plain


def draw() -> None:
    """The cluster that the address names; what to do when there is none."""
    here = desk()
    name = st.query_params.get("cluster", "")
    if not name:
        _none_chosen()
        return
    found = cluster(here.dossier, name)
    if found is None:
        _gone(here, name)
        return
    case = open_case(here, found)
    draw_heading(case)
    draw_network(case)
    draw_tabs(case)


def _none_chosen() -> None:
    with st.container(width=560):
        st.title("Cluster")
        st.write("Open one from the queue, or name it here.")
        name = st.text_input("Cluster", placeholder="its id")
        if st.button("Open", type="primary") and name:
            go("cluster", cluster=name.strip())
        if st.button("Go to the queue", icon=":material/inbox:"):
            go("queue")


def _gone(here: Desk, name: str) -> None:
    """A cluster that this snapshot has not: its members may be in others now."""
    with st.container(width=640):
        st.title("This cluster is gone")
        st.markdown(
            f"The newest snapshot ({here.as_of:%Y-%m-%d %H:%M} UTC) has no cluster "
            f"**{plain(name)}**. Clusters change as events come in: it may have grown "
            "into another one, or what linked it no longer does."
        )
        stands = here.standing()
        heirs = stands[(stands["case_id"] == name) & (stands["subject_id"] != name)]
        for heir in heirs["subject_id"]:
            if st.button(f"Open {plain(heir)}, which took over its case"):
                go("cluster", cluster=str(heir))
        if st.button("Go to the queue", icon=":material/inbox:"):
            go("queue")
