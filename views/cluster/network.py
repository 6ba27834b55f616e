"""The link graph and, beside it, what the selected node or edge is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from graph import case_records
from graph.access import Right
from graph.dossier.picture import Picture, Steps, picture
from graph.dossier.ties import path
from views.cluster import inspector
from views.cluster.case import Case
from views.linkgraph import View, linkgraph
from views.trail import draw_path, follow


def draw(case: Case) -> None:
    """Graph left, inspector right; a click runs only this part of the page."""
    _pane(case)


@st.fragment
def _pane(case: Case) -> None:
    left, right = st.columns([2.6, 1], gap="small")
    pictured = drawn(case, case.trail.steps)
    with left:
        saved = _saved_view(case)
        view = View(
            name=f"{case.id}-{st.query_params.get('view', '')}",
            picture=pictured,
            trail=case.trail,
            window=case.window,
            positions=saved.get("positions"),
            pinned=saved.get("pinned", []),
            focus=str(st.session_state.pop(case.key("focus"), "")),
        )
        result = linkgraph(view, case.key("linkgraph"), lambda: None)
    event = result.get("event")
    if event and _fresh(case, event):
        _act(case, pictured, event)
    with right, st.container(height=view.height, border=True):
        inspector.draw(case, pictured, st.session_state.get(case.key("chosen"), {}))


def drawn(case: Case, steps: Steps) -> Picture:
    """The picture after `steps`, cached for everyone who looks at this snapshot."""
    dossier = case.here.dossier
    return _cached(str(dossier.workspace.root), dossier.name, case.id, steps, case)


@st.cache_data(show_spinner=False, max_entries=64)
def _cached(
    root: str,  # noqa: ARG001 - with the next one part of the cache's key
    snapshot: str,  # noqa: ARG001
    cluster_id: str,
    steps: Steps,
    _case: Case,
) -> Picture:
    return picture(_case.here.dossier, cluster_id, steps)


def _fresh(case: Case, event: Mapping[str, object]) -> bool:
    """Whether the event was not handled yet: a rerun brings the last one again."""
    mark = (event.get("at"), event.get("count"))
    seen = st.session_state.get(case.key("seen")) == mark
    st.session_state[case.key("seen")] = mark
    return not seen


def _act(case: Case, pictured: Picture, event: Mapping[str, object]) -> None:
    """What an event of the graph changes, then draw again."""
    kind = event.get("kind")
    if kind in {"select", "why"}:
        st.session_state[case.key("chosen")] = dict(event)
        return
    if kind == "path":
        _find_path(case, event)
    elif kind == "save":
        _save(case, event)
    else:
        case.keep(follow(case.trail, event, pictured.drawn_out))
    st.rerun(scope="fragment")


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
    here = case.here
    if not here.person.may(Right.NOTE):
        st.toast("Your role may not save views")
        return
    kept = {
        "positions": event.get("positions"),
        "pinned": event.get("pinned"),
        "graph": st.query_params.get("graph", ""),
    }
    name = f"{here.now:%Y-%m-%d %H:%M}"
    number = here.cases.save_view(case.case_id, name, kept, here.person, here.now)
    st.query_params["view"] = str(number)
    st.toast("View saved: colleagues find it under Notes")


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
