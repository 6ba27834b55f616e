"""The query console: saved questions for investigators, free Cypher for analysts."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from graph.access import Right
from graph.audit import Entry
from graph.catalogue import Parameter, Query, catalogue
from graph.console import MOST_ROWS, SECONDS, ask, why_off
from graph.store import Store
from ingest.errors import RingfenceError
from views.database import open_store
from views.desk import now, open_cases, person, root
from views.words import count, plain


def draw() -> None:
    """Saved questions first; free Cypher where the role and the database allow it."""
    st.title("Console")
    person().require(Right.QUERY)
    try:
        store = open_store()
    except RingfenceError as error:
        _down(str(error))
        return
    saved, free = st.tabs(["Saved queries", "Cypher"], key="console", on_change="rerun")
    if saved.open:
        with saved:
            _saved(store)
    if free.open:
        with free:
            _free(store)


def _down(message: str) -> None:
    with st.container(width=640):
        st.subheader("The graph database does not answer", anchor=False)
        st.text(message)
        st.caption(
            "Queue, clusters, search, decisions and exports work without it: they read "
            "the derived tables."
        )
        if st.button("Try again", icon=":material/refresh:"):
            st.rerun()


def _saved(store: Store) -> None:
    queries = catalogue()
    name = st.selectbox(
        "Question",
        list(queries),
        key="query",
        bind="query-params",
    )
    query = queries[name]
    st.text(query.summary)
    given = _parameters(query)
    with st.expander("Cypher"):
        st.code(query.text, language="cypher")
    missing = [
        p.name for p in query.parameters if p.default is None and not given[p.name]
    ]
    if missing:
        st.caption(f"Give {', '.join(missing)} to ask.")
    if st.button("Run", type="primary", disabled=bool(missing), key="run-saved"):
        _record("query", query.name)
        _show(pd.DataFrame(query.run(store, **given)), query.name)


def _parameters(query: Query) -> dict[str, object]:
    """One box a parameter, its default in it."""
    with st.container(horizontal=True):
        return {one.name: _box(query, one) for one in query.parameters}


def _box(query: Query, parameter: Parameter) -> str:
    return st.text_input(
        parameter.name.replace("_", " "),
        value=parameter.default or "",
        help=plain(parameter.meaning),
        key=f"{query.name}-{parameter.name}",
        placeholder=parameter.type,
        width=240,
    )


def _free(store: Store) -> None:
    """Free Cypher, gated; see `graph.console`."""
    if not person().may(Right.CYPHER):
        st.info(
            "Free Cypher is for the analyst role. Whoever runs Ringfence gives it in "
            "the role file.",
            icon=":material/lock:",
        )
        return
    reason = why_off(store)
    if reason:
        st.info(reason, icon=":material/lock:")
        return
    st.caption(
        f"Read-only: {MOST_ROWS:,} rows and {SECONDS:.0f} seconds at most, every "
        "statement audited. Write values as they are; identifiers are keyed hashes."
    )
    text = st.text_area("Cypher", height=160, key="cypher", max_chars=10_000)
    if st.button("Run", type="primary", disabled=not text.strip(), key="run-free"):
        _record("cypher", text.strip())
        try:
            frame = ask(store, text)
        except RingfenceError as error:
            st.error(str(error), icon=":material/block:")
            return
        _show(frame, "Cypher")


def _record(action: str, what: str) -> None:
    # The text may name a person: it stands where an erasure can reach it.
    entry = Entry(now(), person().name, action, what[:2_000], {"length": len(what)})
    open_cases(root()).record(entry, person())


def _show(frame: pd.DataFrame, name: str) -> None:
    st.caption(f"{plain(name)}: {count(len(frame), 'row')}")
    # Lists and maps are shown as the text that they are.
    for column in frame.columns[frame.dtypes == "object"]:
        frame[column] = frame[column].map(str)
    st.dataframe(frame, hide_index=True, row_height=30, height=420, alt="Rows")
