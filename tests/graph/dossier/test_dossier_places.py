"""Where the nodes of a picture lie."""

from __future__ import annotations

from itertools import combinations

import pytest

from graph.dossier import Dossier
from graph.dossier.picture import Steps, picture
from graph.dossier.places import places


@pytest.mark.parametrize("name", ["c-farm", "c-giant"])
def test_every_node_has_its_place_apart_from_the_others(
    dossier: Dossier, name: str
) -> None:
    pictured = picture(dossier, name, Steps())
    found = places(pictured)
    assert set(found) == set(pictured.nodes["id"])
    for one, other in combinations(found.values(), 2):
        across, down = one[0] - other[0], one[1] - other[1]
        assert across * across + down * down > 20 * 20


def test_the_same_picture_lies_the_same_way_whatever_its_order(
    dossier: Dossier,
) -> None:
    pictured = picture(dossier, "c-farm", Steps())
    turned = picture(dossier, "c-farm", Steps())
    turned.nodes[:] = turned.nodes.iloc[::-1].to_numpy()
    turned.edges[:] = turned.edges.iloc[::-1].to_numpy()
    assert places(turned) == places(pictured)


def test_nothing_drawn_lies_nowhere(dossier: Dossier) -> None:
    pictured = picture(dossier, "c-gone", Steps())
    assert places(pictured) == {}
