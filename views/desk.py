"""What every page works with: the snapshot, the case file, who is there, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import streamlit as st
from streamlit.navigation.page import StreamlitPage as Page

from graph.access import Person
from graph.cases import Cases
from graph.derived import Snapshot
from graph.dossier import Dossier
from graph.dossier.doubt import cleared
from graph.dossier.standing import standing
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.workspace import Workspace

_SEAT = "seat"
_PAGES = "pages"


@dataclass(frozen=True)
class Desk:
    """What one run of a page works with; `dossier` is the newest snapshot.

    Parts of the page run again by themselves and dialogs stay open, so the time is
    asked of `clock` (naive UTC) when it is needed.
    """

    dossier: Dossier
    cases: Cases
    person: Person
    clock: Callable[[], datetime]

    @property
    def now(self) -> datetime:
        """The time, naive UTC."""
        return self.clock()

    @property
    def workspace(self) -> Workspace:
        """Where everything lies."""
        return self.dossier.workspace

    @property
    def as_of(self) -> datetime:
        """The time the snapshot looks from, naive UTC."""
        return self.dossier.snapshot.as_of.replace(tzinfo=None)

    def standing(self) -> pd.DataFrame:
        """Where each case stands; see `graph.dossier.standing`."""
        with self.cases.reading() as connection:
            head = self.cases.chain.head(connection)
        minute = self.now.replace(second=0, microsecond=0)
        return _standing(self.dossier, head, minute, self.cases)

    def cleared(self) -> pd.DataFrame:
        """Identifiers that people have cleared; see `graph.dossier.doubt`."""
        return cleared(self.cases, self.now)


def now() -> datetime:
    """The time, naive UTC: the one place where the page reads a clock."""
    return datetime.now(UTC).replace(tzinfo=None)


def sit_down(root: Path, person: Person) -> None:
    """Remember for this session whose desk it is, and over which workspace."""
    st.session_state[_SEAT] = (root, person)


def root() -> Path:
    """The workspace's folder."""
    folder: Path = st.session_state[_SEAT][0]
    return folder


def person() -> Person:
    """Who is at the page."""
    someone: Person = st.session_state[_SEAT][1]
    return someone


def desk() -> Desk:
    """The desk of this run. Raises `LedgerError` when nothing was detected yet."""
    folder = Snapshot.current(Workspace.open(root())).folder
    dossier = open_dossier(str(root()), folder.name)
    indexing(dossier)
    return Desk(dossier, open_cases(root()), person(), now)


def keep_pages(pages: Mapping[str, Page]) -> None:
    """Remember the pages of this run by their address."""
    st.session_state[_PAGES] = dict(pages)


def go(page: str, **named: str) -> NoReturn:
    """Leave for another page, whose address then names what it shows."""
    st.switch_page(st.session_state[_PAGES][page], query_params=named)


def trouble(title: str, message: str) -> None:
    """A page that says what is so and what to do about it."""
    with st.container(width=640):
        st.title(title)
        st.text(message)
        if st.button("Try again", icon=":material/refresh:"):
            st.rerun()


# What is cached is cached for a snapshot, whoever opened it.
BY_SNAPSHOT: dict[str | type[Any], Callable[[Any], Any]] = {
    Dossier: lambda dossier: (str(dossier.workspace.root), dossier.name)
}


@st.cache_resource(show_spinner=False, max_entries=2)
def open_dossier(root: str, snapshot: str) -> Dossier:  # noqa: ARG001 - the cache's key
    """One dossier a snapshot, shared by everyone at the page."""
    return Dossier.open(Workspace.open(Path(root)))


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=BY_SNAPSHOT)
def indexing(dossier: Dossier) -> Future[None]:
    """The building of a snapshot's index, begun when the snapshot is first opened.

    Pages answer meanwhile, and without it; what kept it from being built is told
    under Health.
    """
    return _BUILDERS.submit(dossier.index)


_BUILDERS = ThreadPoolExecutor(1, thread_name_prefix="index")


def open_cases(root: Path) -> Cases:
    """The case file, opened once a process."""
    return _cases(str(root))


def open_ledger(root: Path) -> Ledger:
    """The ledger, opened once a process; it sees later events by itself."""
    return _ledger(str(root))


@st.cache_resource(show_spinner=False)
def _cases(root: str) -> Cases:
    return Cases.open(Workspace.open(Path(root)), Pepper.load().secret)


@st.cache_resource(show_spinner=False)
def _ledger(root: str) -> Ledger:
    return Ledger.open(Workspace.open(Path(root)))


@st.cache_data(show_spinner=False, max_entries=4, hash_funcs=BY_SNAPSHOT)
def _standing(
    dossier: Dossier,
    head: str,  # noqa: ARG001 - the cases as they are, in the cache's key
    minute: datetime,
    _cases: Cases,
) -> pd.DataFrame:
    return standing(dossier, _cases, minute)
