"""Steps in the link graph: each event, undo, and the text in the address."""

from __future__ import annotations

import string
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.dossier.picture import Steps
from views.trail import Trail, draw_path, follow, from_text, to_text

GROUPS = {"account:a": "group:g"}


def after(*events: Mapping[str, object]) -> Trail:
    trail = Trail()
    for event in events:
        trail = follow(trail, event, GROUPS)
    return trail


def test_each_event_changes_what_it_says() -> None:
    expand = {"kind": "expand", "id": "ip:x", "limit": 7}
    assert after(expand).steps.expanded == (("ip:x", 7),)
    assert after({"kind": "open", "id": "group:g"}).steps.opened == {"group:g"}
    assert after({"kind": "hide", "ids": ["a", "b"]}).steps.hidden == {"a", "b"}
    assert draw_path(Trail(), ["a", "b"]).steps.drawn == ("a", "b")


def test_collapse_takes_back_an_expansion_and_closes_a_group() -> None:
    opened = {"kind": "open", "id": "group:g"}
    expand = {"kind": "expand", "id": "account:a"}
    trail = after(opened, expand, {"kind": "collapse", "id": "account:a"})
    assert trail.steps == Steps()


def test_undo_and_redo_walk_back_and_forth() -> None:
    hide, undo, redo = (
        {"kind": "hide", "ids": ["a"]},
        {"kind": "undo"},
        {"kind": "redo"},
    )
    assert after(hide, undo).steps == Steps()
    assert after(hide, undo, redo).steps == after(hide).steps
    assert after(undo).steps == Steps()
    assert (
        after(hide, undo, {"kind": "open", "id": "g"}, redo).steps.hidden == frozenset()
    )


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"kind": "select", "ids": ["a"]},
        {"kind": "hide", "ids": "no list"},
        {"kind": 7},
    ],
)
def test_what_is_no_step_changes_nothing(event: Mapping[str, object]) -> None:
    assert after(event) == Trail()


def test_a_limit_from_the_browser_is_kept_in_bounds() -> None:
    wild = {"kind": "expand", "id": "a", "limit": 10**9}
    assert after(wild).steps.expanded == (("a", 500),)
    assert after({"kind": "expand", "id": "a", "limit": "x"}).steps.expanded[0][1] == 50


NAMES = st.text(string.printable + "é\u202e", max_size=12)


@given(st.frozensets(NAMES, max_size=4), st.lists(NAMES, max_size=4, unique=True))
def test_the_address_brings_the_steps_back(
    hidden: frozenset[str], ids: list[str]
) -> None:
    steps = Steps(hidden, tuple((name, 9) for name in ids), hidden, tuple(ids))
    assert from_text(to_text(steps)) == steps


@pytest.mark.parametrize(
    "text", ["", "x", "eJw=", "…", "eJyLjgUAARUAuQ==", "A" * 5_000]
)
def test_a_forged_address_brings_no_steps(text: str) -> None:
    assert from_text(text) == Steps()
