"""The colours of the page: Okabe and Ito's eight, apart for colour-blind eyes too.

Source: Okabe, Ito, "Color Universal Design" (2008). Colour never speaks alone: each
type of node has its own shape and icon, each lane its own row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
SKY = "#56B4E9"
PINK = "#CC79A7"
VERMILLION = "#D55E00"
YELLOW = "#F0E442"
GREY = "#6B7785"

_WHITE = "#FFFFFF"
# White on amber, sky and yellow is under 3:1 (WCAG 1.4.11), so their icons are dark.
_DARK = "#1D2733"


@dataclass(frozen=True)
class Look:
    """How one type of node is drawn; `shape` is one of Cytoscape.js's."""

    colour: str
    shape: str
    ink: str = _WHITE


NODES: Mapping[str, Look] = {
    "account": Look(BLUE, "ellipse"),
    "group": Look(BLUE, "round-octagon"),
    "device": Look(SKY, "hexagon", _DARK),
    "card": Look(PINK, "triangle"),
    "ip": Look(GREEN, "round-rectangle"),
    "key": Look(ORANGE, "diamond", _DARK),
    "email": Look(YELLOW, "rhomboid", _DARK),
    "phone": Look(YELLOW, "pentagon", _DARK),
    "tenant": Look(GREY, "barrel"),
    "prompt": Look(GREY, "tag"),
    "referral": Look(GREY, "vee"),
    "identifier": Look(GREY, "pentagon"),
}

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
