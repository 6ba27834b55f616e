"""Below the graph: timeline, members, what they share, doubts, places, the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from graph import case_records
from graph.access import Right
from graph.dossier import clusters
from views import charts, download
from views.cluster import network, shared
from views.cluster.case import BELOW, Case
from views.columns import ColumnConfigs
from views.desk import go
from views.words import TYPOLOGIES, count, day, plain


@st.fragment(key=BELOW)
def draw(case: Case) -> None:
    """Lazy tabs: only the open one asks its question."""
    flash = st.session_state.pop("flash", "")
    if flash:
        st.toast(flash, icon=":material/check:")
    tabs = st.tabs(list(_TABS), key=case.key("tab"), on_change="rerun")
    for tab, part in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab:
                part(case)


def _timeline(case: Case) -> None:
    if not case.painted:
        st.caption("The timeline comes after the graph.")
        return
    members = clusters.members(case.here.dossier, case.id)["account_id"].tolist()
    frame = charts.events_of(case.here, case.id, members)
    if frame.empty:
        st.caption("The ledger holds no events of these members.")
        return
    _narrowed(case)
    st.altair_chart(
        charts.swim_lanes(frame),
        key=case.timeline,
        on_select=case.narrow,
        selection_mode="time",
        alt="Events of the members in lanes by time; drag across to narrow graph and "
        "members to that time",
    )


def _narrowed(case: Case) -> None:
    """Which time graph and members are narrowed to, and the way back."""
    if not case.window:
        return
    start, end = case.window
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Graph and members narrowed to {day(start)} to {day(end)} UTC.",
            width="content",
        )
        st.button(
            "Whole time",
            icon=":material/zoom_out_map:",
            type="tertiary",
            on_click=case.widen,
            key="widen",
        )


def _members(case: Case) -> None:
    table = clusters.members(case.here.dossier, case.id)
    _narrowed(case)
    if case.window:
        seen = (table["first_seen"] <= case.window[1]) & (
            table["last_seen"] >= case.window[0]
        )
        table = table[seen]
    roles = st.pills(
        "Roles", ["core", "likely", "bystander"], selection_mode="multi",
        key=case.key("roles"), label_visibility="collapsed",
    )  # fmt: skip
    table = table[table["role"].isin(roles)] if roles else table
    shown = table[_MEMBER_COLUMNS].assign(
        typology=table["typology"].map(TYPOLOGIES), reasons=_codes(table["reasons"])
    )
    picked = st.dataframe(
        shown,
        key=case.key("members"),
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=340,
        row_height=30,
        column_config=_MEMBER_CONFIG,
        alt="Members, core first",
    )
    if case.here.person.may(Right.EXPORT):
        label = f"CSV of {count(len(table), 'member')}"
        download.button(label, table, _MEMBER_CSV, "members", case.key("members-csv"))
    places = picked["selection"]["rows"]
    if places and places[0] < len(shown):
        go("entity", type="account", id=str(shown.iloc[places[0]]["account_id"]))


_MEMBER_COLUMNS = [
    "account_id", "role", "score", "action", "typology", "cost_usd", "revenue_usd",
    "tenure_days", "plan", "last_seen", "reasons",
]  # fmt: skip

_MEMBER_CSV: Mapping[str, str] = {
    "account_id": "id", "role": "text", "score": "number", "action": "text",
    "typology": "text", "cost_usd": "number", "revenue_usd": "number",
    "tenure_days": "whole", "plan": "text", "first_seen": "time", "last_seen": "time",
    "reasons": "json",
}  # fmt: skip

_MEMBER_CONFIG: ColumnConfigs = {
    "account_id": "Account",
    "role": "Role",
    "score": st.column_config.ProgressColumn(
        "Risk", format="percent", min_value=0, max_value=1, width="small"
    ),
    "action": "Advice",
    "typology": "Pattern",
    "cost_usd": st.column_config.NumberColumn("Burned", format="dollar"),
    "revenue_usd": st.column_config.NumberColumn("Paid", format="dollar"),
    "tenure_days": st.column_config.NumberColumn("Days here"),
    "plan": "Plan",
    "last_seen": st.column_config.DatetimeColumn(
        "Last seen", format="YYYY-MM-DD HH:mm"
    ),
    "reasons": st.column_config.ListColumn("Reasons of its own", width="large"),
}


def _codes(reasons: pd.Series) -> pd.Series:
    """JSON lists of reason codes as lists of words."""
    cleaned = reasons.fillna("[]").str.strip('[]"').str.replace("_", " ", regex=False)
    return cleaned.str.split(r'"\s*,\s*"', regex=True)


def _doubts(case: Case) -> None:
    against, innocent = st.columns(2, gap="large")
    with against:
        st.subheader("What speaks for abuse", anchor=False)
        _weights(clusters.reasons(case.here.dossier, "cluster", case.id))
    with innocent:
        st.subheader("Innocent explanations", anchor=False)
        found = clusters.hypotheses(case.here.dossier, case.id)
        if found.empty:
            st.caption("None of the known innocent patterns fits this cluster.")
        _weights(found)
    if case.cluster.frameworks:
        st.caption("Framework ids: " + plain(" · ".join(case.cluster.frameworks)))


def _weights(rows: pd.DataFrame) -> None:
    for row in rows.itertuples():
        label = plain(getattr(row, "hypothesis", "") or "").replace("\\_", " ")
        lead = f" **{label}**" if label else ""
        st.markdown(f"`{row.weight:+.1f}`{lead} {plain(row.sentence)}")


def _places(case: Case) -> None:
    found = clusters.countries(case.here.dossier, case.id)
    if found.empty:
        st.caption("No member's address has a country in the reference data.")
        return
    chart, table = st.columns([2.4, 1])
    with chart:
        st.altair_chart(
            charts.world(found), alt="Countries of the members' addresses on a map"
        )
    table.dataframe(
        found.set_axis(["Country", "Accounts", "Addresses", "Networks"], axis=1),
        hide_index=True, row_height=30,
    )  # fmt: skip


def _notes(case: Case) -> None:
    here = case.here
    with here.cases.reading() as connection:
        notes = case_records.notes(connection, case.case_id)
        views = case_records.views(connection, case.case_id)
    if here.person.may(Right.NOTE):
        _write_note(case)
    for note in notes.to_dict("records"):
        st.caption(f"{plain(note['by'])} · {day(note['at'])}")
        st.text(note["text"])
    for view in views.itertuples():
        label = f"Saved view of {plain(view.by)}, {plain(view.name)}"
        if st.button(label, icon=":material/visibility:", key=f"view-{view.view_id}"):
            go("cluster", cluster=case.id, view=str(view.view_id))
    if notes.empty and views.empty:
        st.caption("No notes and no saved views yet.")


def _write_note(case: Case) -> None:
    here = case.here
    with st.form(case.key("note-form"), clear_on_submit=True, border=False):
        text = st.text_area("Note", height=68, max_chars=4000, key=case.key("new-note"))
        if st.form_submit_button("Add note") and text.strip():
            here.cases.note(case.case_id, text, here.person, here.now)
            st.rerun()


def _history(case: Case) -> None:
    here = case.here
    with here.cases.reading() as connection:
        history = case_records.history(connection, case.case_id)
    if history.empty:
        st.caption("Nobody has touched this case yet.")
        return
    st.dataframe(
        history[["at", "by", "action", "detail"]],
        hide_index=True,
        row_height=30,
        column_config={
            "at": st.column_config.DatetimeColumn("When (UTC)"),
            "by": "Who",
            "action": "Did",
            "detail": st.column_config.TextColumn("What", width="large"),
        },
    )


def _related(case: Case) -> None:
    found = clusters.related(case.here.dossier, case.id)
    if found.empty:
        st.caption("No other cluster shares anything that few have.")
        return
    found = found.assign(typology=found["typology"].map(TYPOLOGIES))
    picked = st.dataframe(
        found,
        key=case.key("related"),
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        row_height=30,
        column_config={
            "cluster_id": "Cluster",
            "typology": "Pattern",
            "score": st.column_config.NumberColumn("Risk", format="percent"),
            "accounts": "Members",
            "cost_usd": st.column_config.NumberColumn("Burned", format="dollar"),
            "in_common": "In common",
            "kinds": "By",
        },
        alt="Clusters that share something which few accounts have",
    )
    places = picked["selection"]["rows"]
    if places and places[0] < len(found):
        go("cluster", cluster=str(found.iloc[places[0]]["cluster_id"]))


_NODE_COLUMNS = ("type", "label", "count", "role", "score", "paying", "hub")


def _table(case: Case) -> None:
    """The rows of the graph, for whoever can't see a canvas."""
    pictured = network.drawn(case, case.trail.steps)
    nodes, edges = st.columns(2)
    with nodes:
        st.dataframe(
            pictured.nodes[list(_NODE_COLUMNS)],
            hide_index=True, height=340, row_height=30, alt="Nodes of the graph",
        )  # fmt: skip
    with edges:
        st.dataframe(
            pictured.edges.drop(columns=["id"]),
            hide_index=True, height=340, row_height=30, alt="Edges of the graph",
        )  # fmt: skip


_TABS: Mapping[str, Callable[[Case], None]] = {
    "Timeline": _timeline,
    "Members": _members,
    "Shared": shared.draw,
    "Doubts": _doubts,
    "Map": _places,
    "Related": _related,
    "Notes": _notes,
    "History": _history,
    "Table": _table,
}
