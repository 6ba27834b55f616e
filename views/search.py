"""Search: paste one or many of anything; hits by type, bulk look-up as a table.

Personal values never enter the address: only terms that are ids of accounts, keys,
tenants or clusters do, so that such a search can be sent to a colleague.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from graph.access import Right
from graph.audit import Entry
from graph.dossier.search import Lookup, search, split
from ingest.workspace import Workspace
from views import download
from views.desk import Desk, desk, go, open_ledger
from views.words import KINDS, TYPOLOGIES, count, plain

_TERMS = "search-terms"


def draw() -> None:
    """The box, then what was found and what was not."""
    here = desk()
    st.title("Search")
    if _TERMS not in st.session_state:
        st.session_state[_TERMS] = st.query_params.get("q", "")
    text = st.text_area(
        "Anything, one or many",
        key=_TERMS,
        persist_state="session",
        height=92,
        placeholder="account, key, e-mail, phone, IP, 203.0.113.0/24, device, "
        "card fingerprint, tenant, cluster: by line, comma or space",
    )
    st.caption(
        "What you paste is hashed and compared; it is not stored. A raw API key finds "
        "its key. Look-ups are audited by their number, not their text."
    )
    terms = split(text)
    if not terms:
        return
    hits = _hits(here, tuple(terms))
    _share(terms, hits)
    _show(terms, hits)
    if len(hits) and here.person.may(Right.EXPORT):
        label = f"CSV of {count(len(hits), 'hit')}"
        download.button(label, hits, _CSV, "search", "search-csv")


_CSV = {
    "term": "text",
    "type": "text",
    "id": "id",
    "label": "text",
    "cluster_id": "id",
    "accounts": "whole",
    "note": "text",
    "score": "number",
}


def _hits(here: Desk, terms: tuple[str, ...]) -> pd.DataFrame:
    """The hits; asked once, kept for this session alone because of what was pasted."""
    kept = st.session_state.get("search-hits")
    asked = (here.dossier.name, terms)
    if kept is not None and kept[0] == asked:
        hits: pd.DataFrame = kept[1]
        return hits
    with open_ledger(here.workspace.root).connect() as ledger:
        hits = search(here.dossier, ledger, _lookup(here), terms)
    entry = Entry(
        here.now,
        here.person.name,
        "search",
        "",
        {"terms": len(terms), "hits": len(hits)},
    )
    here.cases.record(entry, here.person)
    st.session_state["search-hits"] = (asked, hits)
    return hits


def _lookup(here: Desk) -> Lookup:
    return _opened_lookup(str(here.workspace.root))


@st.cache_resource(show_spinner=False)
def _opened_lookup(root: str) -> Lookup:
    return Lookup.of(Workspace.open(Path(root)))


def _share(terms: list[str], hits: pd.DataFrame) -> None:
    named = hits["type"].isin(["account", "key", "tenant", "cluster"])
    safe = set(hits.loc[named & (hits["term"] == hits["id"]), "term"])
    if safe.issuperset(terms) and len(terms) <= 20:
        st.query_params["q"] = " ".join(terms)
    elif "q" in st.query_params:
        del st.query_params["q"]


def _show(terms: list[str], hits: pd.DataFrame) -> None:
    missing = [term for term in terms if term not in set(hits["term"])]
    st.markdown(
        f"{count(len(hits), 'hit')} for {count(len(terms), 'term')}"
        + (f", nothing for {len(missing)}" if missing else "")
    )
    for kind, rows in hits.groupby("type", sort=True):
        st.subheader(plain(KINDS.get(str(kind), str(kind))), anchor=False)
        _table(str(kind), rows.reset_index(drop=True))
    if missing:
        with st.expander(f"Nothing known of {count(len(missing), 'term')}"):
            st.text("\n".join(missing[:200]))


def _table(kind: str, rows: pd.DataFrame) -> None:
    shown = pd.DataFrame(
        {
            "Searched": rows["term"],
            "Found": rows["label"],
            "Cluster": rows["cluster_id"],
            "Accounts": rows["accounts"],
            "What": rows["note"].map(TYPOLOGIES).fillna(rows["note"]),
            "Risk": rows["score"],
        }
    )
    picked = st.dataframe(
        shown,
        key=f"hits-{kind}-{len(rows)}",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        row_height=30,
        column_config={
            "Risk": st.column_config.NumberColumn(format="percent"),
            "Accounts": st.column_config.NumberColumn(help="Accounts that have it"),
        },
        alt=f"Hits of type {kind}; choose a row to open it",
    )
    places = picked["selection"]["rows"]
    if places and places[0] < len(rows):
        hit = rows.iloc[places[0]]
        if kind == "cluster":
            go("cluster", cluster=str(hit["id"]))
        go("entity", type=kind, id=str(hit["id"]))
