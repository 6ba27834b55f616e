"""The graph database as the page sees it: opened when first asked for, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from graph.embedded import is_running
from graph.store import Address, Store
from ingest.errors import RingfenceError
from ingest.workspace import Workspace
from views.desk import root


@dataclass(frozen=True)
class DatabaseState:
    """Whether it answers, and in one sentence what it is."""

    up: bool
    sentence: str


def open_store() -> Store:
    """The store, opened once a process. Raises `StoreError` when it can't be."""
    return _store(str(root()))


@st.cache_resource(
    show_spinner="Connecting to the graph database", on_release=Store.close
)
def _store(folder: str) -> Store:
    return Store.open(Workspace.open(Path(folder)))


def state_of_database() -> DatabaseState:
    """The state of the database in use, asked at most twice a minute."""
    return _state(str(root()))


@st.cache_data(ttl=30, show_spinner="Asking the graph database")
def _state(_folder: str) -> DatabaseState:
    workspace = Workspace.open(root())
    try:
        address = Address.from_environment()
        if address is None and not is_running(workspace):
            return DatabaseState(
                up=False,
                sentence="Embedded database, asleep: the first question wakes it.",
            )
        count = open_store().run("MATCH (n) RETURN count(n) AS nodes")
    except RingfenceError as error:
        return DatabaseState(up=False, sentence=str(error))
    name = "Embedded database" if address is None else f"Neo4j at {address.place}"
    return DatabaseState(up=True, sentence=f"{name}, {count[0]['nodes']:,} nodes.")
