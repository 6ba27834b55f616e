"""What the chosen cases of the queue are about, and whose they are to be."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from graph.access import Right
from graph.acts import ConflictError
from graph.dossier import Dossier
from graph.dossier.clusters import reasons, shared_identifiers
from views import download
from views.desk import BY_SNAPSHOT, Desk, go
from views.words import KINDS, TYPOLOGIES, count, plain, usd

_CSV = {
    "subject_type": "text",
    "subject_id": "id",
    "typology": "text",
    "score": "number",
    "members": "whole",
    "paying_members": "whole",
    "cost_usd": "number",
    "at_risk_usd": "number",
    "first_seen": "time",
    "last_seen": "time",
    "action": "text",
    "status": "text",
    "assignee": "text",
}


def draw(here: Desk, rows: pd.DataFrame, chosen: int) -> None:
    """The rows of the queue that are ticked; `chosen` is how many, 0 for the first."""
    if rows.empty:
        return
    with st.container(border=True):
        if len(rows) > 1:
            members, burned = rows["members"].sum(), rows["cost_usd"].sum()
            st.subheader(count(len(rows), "case"))
            st.write(f"{count(members, 'account')} · {usd(burned)} burned")
        else:
            _about(here, rows.iloc[0], chosen)
        _buttons(here, rows)


def _about(here: Desk, row: pd.Series, chosen: int) -> None:
    if not chosen:
        st.caption("Most urgent")
    st.subheader(TYPOLOGIES.get(row["typology"], "Case"), anchor=False)
    st.text(row["summary"] or "")
    subject = (str(row["subject_type"]), str(row["subject_id"]))
    for reason in _why(here.dossier, *subject):
        st.markdown(f":small[:material/arrow_right: {plain(reason)}]")
    if subject[0] == "cluster":
        shared = _shared(here.dossier, subject[1])
        if len(shared):
            st.dataframe(
                shared,
                hide_index=True,
                row_height=28,
                alt="What most members share: how many here, how many elsewhere",
            )


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=BY_SNAPSHOT)
def _why(dossier: Dossier, subject_type: str, subject_id: str) -> list[str]:
    """The three reasons that weigh most."""
    told = reasons(dossier, subject_type, subject_id)
    return [str(sentence) for sentence in told["sentence"].head(3)]


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=BY_SNAPSHOT)
def _shared(dossier: Dossier, cluster_id: str) -> pd.DataFrame:
    """What most members share, with how many of them and how many others do."""
    shared = shared_identifiers(dossier, cluster_id, limit=30)
    shared = shared[shared["links"] | (shared["kind"] == "ip")].head(5)
    kinds = shared["kind"].map(KINDS).fillna(shared["kind"])
    return pd.DataFrame(
        {
            "Shared": kinds + " " + shared["masked"].fillna(""),
            "Here": shared["inside"],
            "Else": shared["outside"],
        }
    )


def _buttons(here: Desk, rows: pd.DataFrame) -> None:
    first = rows.iloc[0]
    with st.container(horizontal=True, gap="small"):
        if st.button("Open", type="primary", shortcut="O", key="open"):
            _open(first["subject_type"], first["subject_id"])
        if here.person.may(Right.NOTE) and st.button(
            "Take", key="assign", icon=":material/person_add:"
        ):
            _assign(here, rows, here.person.name)
        if here.person.may(Right.NOTE):
            _give(here, rows)
        download.button("CSV", rows, _CSV, "queue", "csv")


def _open(subject_type: str, subject_id: str) -> None:
    """Go to the page of a cluster, or of any other thing."""
    if subject_type == "cluster":
        go("cluster", cluster=subject_id)
    go("entity", type=subject_type, id=subject_id)


def _give(here: Desk, rows: pd.DataFrame) -> None:
    """Assign to someone else, known from earlier cases or typed; or to nobody."""
    with st.popover("Give"):
        name = st.selectbox(
            "To whom", assignees(here), index=None, key="give-to",
            accept_new_options=True, placeholder="a colleague's name",
        )  # fmt: skip
        if st.button("Assign", key="give", disabled=not name):
            _assign(here, rows, str(name).strip())
        if st.button("Assign to nobody", key="give-back"):
            _assign(here, rows, "")


def _assign(here: Desk, rows: pd.DataFrame, name: str) -> None:
    versions = dict(zip(rows["case_id"], rows["version"].astype(int), strict=True))
    try:
        here.cases.assign(versions, name, here.person, here.now)
    except ConflictError as error:
        st.warning(str(error))
        return
    whom = "you" if name == here.person.name else name or "nobody"
    st.toast(f"{count(len(rows), 'case')} assigned to {plain(whom)}")
    st.rerun()


def assignees(here: Desk) -> list[str]:
    """Who has cases, but for the person who looks."""
    names = set(here.standing()["assignee"]) - {"", here.person.name}
    return sorted(names)
