"""The link graph: our component on Cytoscape.js, served as one packaged file.

`source/` is bundled into `frontend/` by `npm ci && npm run build` in this folder;
users need neither. Data goes to the component as data, never into its HTML or code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd
import streamlit as st

from graph.dossier.picture import Picture
from views.palette import NODES
from views.trail import Trail
from views.words import KINDS

HEIGHT = 560

Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class View:
    """What the component is to show: a picture, the steps so far, and what is lit.

    `name` tells one graph from another: the same name keeps its positions.
    """

    name: str
    picture: Picture
    trail: Trail
    window: Window | None = None
    positions: Mapping[str, Sequence[float]] | None = None
    pinned: Sequence[str] = ()
    height: int = HEIGHT


def linkgraph(
    view: View, key: str, on_event: Callable[[], None], on_painted: Callable[[], None]
) -> None:
    """Draw the graph, whose state under `key` has two members.

    `event` is what the person just did; `painted` is true once the browser has drawn.
    """
    _component()(
        key=key,
        data=payload(view),
        height=view.height,
        on_event_change=on_event,
        on_painted_change=on_painted,
    )


@cache
def _component() -> Any:
    return st.components.v2.component(
        "ringfence.linkgraph", js="linkgraph.js", css="linkgraph.css"
    )


def payload(view: View) -> dict[str, object]:
    """The data of the component: JSON of plain values only."""
    picture, trail = view.picture, view.trail
    return {
        "graph": view.name,
        "nodes": _nodes(picture),
        "edges": _edges(picture.edges),
        "types": _types(),
        "dimmed": dimmed(picture, view.window),
        "path": list(trail.steps.drawn),
        "positions": dict(view.positions or {}),
        "pinned": list(view.pinned),
        "step": trail.number,
        "undo": bool(trail.past),
        "redo": bool(trail.future),
        "height": view.height,
        "notice": notice(picture),
    }


def _nodes(picture: Picture) -> list[dict[str, object]]:
    """Nodes; an account drawn out of a group says which, to appear where that was."""
    groups = [picture.drawn_out.get(name, "") for name in picture.nodes["id"]]
    drawn = picture.nodes.drop(columns=["rank"], errors="ignore").assign(group=groups)
    return [{str(k): v for k, v in row.items()} for row in drawn.to_dict("records")]


def _edges(edges: pd.DataFrame) -> list[dict[str, object]]:
    if edges.empty:
        return []
    drawn = edges[["id", "source", "target", "links", "weight"]]
    return [{str(k): v for k, v in row.items()} for row in drawn.to_dict("records")]


def _types() -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "title": KINDS[name],
            "colour": look.colour,
            "shape": look.shape,
            "ink": look.ink,
        }
        for name, look in NODES.items()
    ]


def dimmed(picture: Picture, window: Window | None) -> list[str]:
    """Nodes and edges of which nothing was seen within the window."""
    if window is None or picture.edges.empty:
        return []
    edges = picture.edges
    seen = (edges["first_seen"] <= window[1]) & (edges["last_seen"] >= window[0])
    lit = {*edges.loc[seen, "source"], *edges.loc[seen, "target"]}
    dark = [name for name in picture.nodes["id"] if name not in lit]
    return [*dark, *edges.loc[~seen, "id"]]


def notice(picture: Picture) -> str:
    """What is left out, in words; empty when everything is drawn."""
    if not picture.left_out:
        return ""
    return (
        f"{len(picture.nodes):,} of {picture.total:,} nodes drawn, "
        "what links most members first; the tables below hold all"
    )
