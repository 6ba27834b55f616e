"""One cluster as a page of its own: opens from disk, asks the network for nothing.

The graph is made with pyvis and drawn by the vis-network that pyvis ships, set into
this project's own template: pyvis's own one loads scripts from elsewhere and puts text
in as HTML. Every text is escaped, a label is drawn on a canvas, and the page's policy
lets no script run but the two that it names by hash.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

# More nodes than this are a cloud, and slow to draw; the tables hold everything.
NODE_LIMIT = 300

_COLOURS: Mapping[str, str] = {
    "core": "#b5382a",
    "likely": "#d98b2b",
    "identifier": "#4a6fa5",
}


@dataclass(frozen=True)
class Node:
    """A dot of the drawing; `colour` is a member's role or `identifier`."""

    id: str
    label: str
    colour: str


@dataclass(frozen=True)
class Table:
    """A table of the page: cells are text, whatever they hold."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Page:
    """What the page shows; `links` join ids of `nodes`."""

    title: str
    sentences: Sequence[str]
    tables: Sequence[Table]
    nodes: Sequence[Node]
    links: Sequence[tuple[str, str]]


def render(page: Page) -> bytes:
    """The page as one HTML file."""
    library, drawing = _library(), _resource("standalone.js")
    style = _resource("standalone.css")
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src '{_source(library)}' '{_source(drawing)}'; "
        f"style-src '{_source(style)}'"
    )
    shown = list(page.nodes[:NODE_LIMIT])
    text = _template().render(
        page=page,
        graph=_graph(shown, page.links),
        hidden=len(page.nodes) - len(shown),
        policy=policy,
        # Shipped with this package and with pyvis; no data is in them.
        library=Markup(library),  # noqa: S704
        drawing=Markup(drawing),  # noqa: S704
        style=Markup(style),  # noqa: S704
    )
    return f"{text}\n".encode()


def _graph(
    nodes: Sequence[Node], links: Sequence[tuple[str, str]]
) -> dict[str, list[dict[str, object]]]:
    # pyvis pulls in IPython, half a second that only this page should cost.
    from pyvis.network import Network

    known = {node.id for node in nodes}
    kept = [link for link in links if known.issuperset(link)]
    places = _places(sorted(known), kept)
    network = Network()
    for node in nodes:
        x, y = places[node.id]
        network.add_node(
            node.id, label=node.label, color=_COLOURS[node.colour], x=x, y=y
        )
    for left, right in kept:
        network.add_edge(left, right)
    return {"nodes": network.nodes, "edges": network.edges}


def _places(
    ids: Sequence[str], links: Sequence[tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Where each node stands, the same every time (seeded spring layout)."""
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(ids)
    graph.add_edges_from(links)
    scale = 120.0 * math.sqrt(max(len(ids), 1))
    places = nx.spring_layout(graph, seed=1, iterations=60, scale=scale)
    return {
        name: (round(float(x), 1), round(float(y), 1))
        for name, (x, y) in places.items()
    }


@cache
def _library() -> str:
    shipped = files("pyvis") / "lib" / "vis-9.1.2" / "vis-network.min.js"
    # A debugger would follow the map's address beside the page.
    return shipped.read_text(encoding="utf-8").split("//# sourceMappingURL")[0]


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.from_string(_resource("standalone.html"))


def _resource(name: str) -> str:
    return (files("graph.exports") / name).read_text(encoding="utf-8")


def _source(script: str) -> str:
    """A script or style as a content security policy names it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
