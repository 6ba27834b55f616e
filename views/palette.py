"""The colours of the page: Okabe and Ito's eight, apart for colour-blind eyes too.

Source: Okabe, Ito, "Color Universal Design" (2008). Colour never speaks alone: each
type of node has its own shape and icon, each lane its own row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graph.model import LABEL_OF_KIND
from graph.model import NODES as MODEL

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
SKY = "#56B4E9"
PINK = "#CC79A7"
VERMILLION = "#D55E00"
YELLOW = "#F0E442"
GREY = "#6B7785"

_WHITE = "#FFFFFF"
_DARK = "#1D2733"
# White on these is under 3:1 (WCAG 1.4.11), so their icons are dark.
_LIGHT = frozenset({ORANGE, SKY, YELLOW, "#999999"})


@dataclass(frozen=True)
class Look:
    """How one type of node is drawn; `shape` is one of Cytoscape.js's."""

    colour: str
    shape: str

    @property
    def ink(self) -> str:
        """The colour of the icon on it."""
        return _DARK if self.colour in _LIGHT else _WHITE


def _looks() -> dict[str, Look]:
    """The looks of the graph's own model, by the kind that a node stands for."""
    labels = {node.label: Look(node.colour, node.shape) for node in MODEL}
    named = {"account": "Account", "key": "ApiKey", "tenant": "Tenant"}
    named.update(LABEL_OF_KIND)
    looks = {kind: labels[label] for kind, label in named.items()}
    further = labels["Identifier"]
    alike = Look(labels["Account"].colour, "round-octagon")
    return looks | {
        "group": alike,
        "prompt": further,
        "referral": further,
        "identifier": further,
    }


NODES: Mapping[str, Look] = _looks()

LANES: Mapping[str, str] = {
    "sign-up": BLUE,
    "session": GREY,
    "key": ORANGE,
    "usage": SKY,
    "payment": GREEN,
    "dispute": VERMILLION,
    "exposure": PINK,
}

Badge = Literal["red", "orange", "violet", "blue", "green", "gray"]

ROLES: Mapping[str, Badge] = {"core": "red", "likely": "orange", "bystander": "gray"}
