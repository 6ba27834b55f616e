"""The link graph and, beside it, what the selected node or edge is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from graph import case_records
from graph.access import Right
from graph.dossier import Dossier
from graph.dossier.picture import Picture, Steps, picture
from graph.dossier.places import Place, places
from graph.dossier.ties import path
from ingest.errors import RingfenceError
from views.cluster import inspector
from views.cluster.case import BELOW, BESIDE, GRAPH, Case
from views.desk import BY_SNAPSHOT
from views.linkgraph import HEIGHT, View, linkgraph
from views.trail import draw_path


def draw(case: Case) -> None:
    """Graph left, inspector right; a click runs the inspector alone."""
    left, right = st.columns([2.6, 1], gap="small")
    with left:
        _graph(case)
    with right, st.container(height=HEIGHT, border=True):
        _beside(case)


@st.fragment(key=GRAPH)
def _graph(case: Case) -> None:
    told = st.session_state.pop(case.key("told"), "")
    if told:
        st.toast(told)
    saved = _saved_view(case)
    view = View(
        name=f"{case.id}-{st.query_params.get('view', '')}",
        picture=drawn(case, case.trail.steps),
        trail=case.trail,
        window=case.window,
        positions={**_places(case.here.dossier, case.id), **saved.get("positions", {})},
        pinned=saved.get("pinned", []),
    )
    linkgraph(view, case.key("linkgraph"), partial(_hear, case), _painted)


@st.fragment(key=BESIDE)
def _beside(case: Case) -> None:
    chosen = st.session_state.get(case.key("chosen"), {})
    inspector.draw(case, drawn(case, case.trail.steps), chosen)


def drawn(case: Case, steps: Steps) -> Picture:
    """The picture after `steps`, shared by everyone who looks at this snapshot."""
    return _picture(case.here.dossier, case.id, steps)


@st.cache_resource(show_spinner=False, max_entries=64, hash_funcs=BY_SNAPSHOT)
def _picture(dossier: Dossier, cluster_id: str, steps: Steps) -> Picture:
    return picture(dossier, cluster_id, steps)


@st.cache_resource(show_spinner=False, max_entries=256, hash_funcs=BY_SNAPSHOT)
def _places(dossier: Dossier, cluster_id: str) -> Mapping[str, Place]:
    """Where the nodes lie before any step; what steps add finds its own place."""
    return places(_picture(dossier, cluster_id, Steps()))


def _painted() -> None:
    st.rerun(BELOW)


def _hear(case: Case) -> None:
    """What an event of the graph changes, and which parts then run."""
    event = st.session_state[case.key("linkgraph")].get("event") or {}
    kind = event.get("kind")
    if kind in {"select", "why"}:
        st.session_state[case.key("chosen")] = dict(event)
        st.rerun(BESIDE)
    if kind == "save":
        _save(case, event)
        st.rerun(GRAPH)
    if kind == "path":
        _find_path(case, event)
        st.rerun([GRAPH, BESIDE])
    case.step(event, drawn(case, case.trail.steps).drawn_out)


def _find_path(case: Case, event: Mapping[str, object]) -> None:
    ids = event.get("ids")
    if not isinstance(ids, list) or len(ids) != 2:
        return
    way = path(case.here.dossier, str(ids[0]), str(ids[1]))
    if way:
        case.keep(draw_path(case.trail, way))
    chosen = {"kind": "path", "ids": ids, "way": way}
    st.session_state[case.key("chosen")] = chosen


def _save(case: Case, event: Mapping[str, object]) -> None:
    here, told = case.here, case.key("told")
    if not here.person.may(Right.NOTE):
        st.session_state[told] = "Your role may not save views"
        return
    kept = {
        "positions": event.get("positions"),
        "pinned": event.get("pinned"),
        "graph": st.query_params.get("graph", ""),
    }
    name = f"{here.now:%Y-%m-%d %H:%M}"
    try:
        number = here.cases.save_view(case.case_id, name, kept, here.person, here.now)
    except RingfenceError as error:
        st.session_state[told] = str(error)
        return
    st.query_params["view"] = str(number)
    st.session_state[told] = "View saved: colleagues find it under Notes"


def _saved_view(case: Case) -> dict[str, Any]:
    """Positions and pins of the saved view that the address names."""
    number = st.query_params.get("view", "")
    if not number.isdecimal():
        return {}
    with case.here.cases.reading() as connection:
        views = case_records.views(connection, case.case_id)
    mine = views[views["view_id"] == int(number)]
    if mine.empty:
        return {}
    kept: dict[str, Any] = json.loads(mine.iloc[0]["payload"])
    return kept
