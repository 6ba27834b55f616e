"""The router: which pages a person gets, and what is drawn when there is no data."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage as Page

from graph.access import Person, Right
from ingest.errors import RingfenceError
from views import (
    cluster,
    console,
    decisions,
    door,
    entity,
    exports,
    health,
    keys,
    policy,
    queue,
    search,
)
from views.desk import keep_pages, sit_down, trouble
from views.words import plain

_HERE = Path(__file__).parent


def workspace_path(arguments: Sequence[str]) -> Path:
    """`--workspace DIR` of the call, else `RINGFENCE_WORKSPACE`, else the default."""
    for name, value in pairwise(arguments):
        if name == "--workspace":
            return Path(value)
    return Path(os.environ.get("RINGFENCE_WORKSPACE", "ringfence-data"))


def role_file(root: Path) -> Path:
    """Where roles are given: `RINGFENCE_ROLES`, else `roles.toml` in the workspace."""
    return Path(os.environ.get("RINGFENCE_ROLES") or root / "roles.toml")


def open_page(arguments: Sequence[str]) -> None:
    """Draw the page that the address names, for the person who asks."""
    st.set_page_config(
        page_title="Ringfence", page_icon=str(_HERE / "icon.png"), layout="wide"
    )
    st.html(_HERE / "page.css")
    st.logo(str(_HERE / "logo.svg"), size="large")
    try:
        door.refuse_open_door(st.get_option("server.address"), door.has_login())
        root = workspace_path(arguments)
        person = door.come_in(role_file(root))
        if person is not None:
            _route(root, person)
    except RingfenceError as error:
        trouble("This can't be shown", str(error))


def _route(root: Path, person: Person) -> None:
    sit_down(root, person)
    pages = _pages(person)
    # The default page's own address is empty.
    named = {
        page.url_path or "queue": page for group in pages.values() for page in group
    }
    keep_pages(named)
    chosen = st.navigation(pages)
    with st.sidebar:
        st.caption(f":material/person: {_signature(person)}")
    chosen.run()


def _signature(person: Person) -> str:
    return f"{plain(person.name)} · {', '.join(sorted(person.roles))}"


def _pages(person: Person) -> dict[str, list[Page]]:
    work = [
        _page(queue.draw, "Queue", "inbox", "queue", default=True),
        _page(cluster.draw, "Cluster", "hub", "cluster"),
        _page(search.draw, "Search", "search", "search"),
        _page(keys.draw, "Keys", "key", "keys"),
        _page(entity.draw, "Entity", "badge", "entity", hidden=True),
    ]
    records = [_page(decisions.draw, "Decisions", "gavel", "decisions")]
    if person.may(Right.EXPORT):
        records.append(_page(exports.draw, "Exports", "ios_share", "exports"))
    system = [
        _page(policy.draw, "Policy", "balance", "policy"),
        _page(health.draw, "Health", "monitor_heart", "health"),
    ]
    if person.may(Right.QUERY):
        system.append(_page(console.draw, "Console", "terminal", "console"))
    return {"Work": work, "Records": records, "System": system}


def _page(
    draw: Callable[[], None],
    title: str,
    icon: str,
    path: str,
    *,
    default: bool = False,
    hidden: bool = False,
) -> Page:
    """One entry of the menu; what goes wrong in it is said on the page itself."""

    def safely() -> None:
        try:
            draw()
        except RingfenceError as error:
            trouble("This can't be shown", str(error))

    return st.Page(
        safely,
        title=title,
        icon=f":material/{icon}:",
        url_path=path,
        default=default,
        visibility="hidden" if hidden else "visible",
    )
