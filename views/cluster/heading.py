"""The head of the page: what this is, in one paragraph, its money, what to do."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from graph.access import Right
from graph.acts import ConflictError
from graph.dossier import Dossier
from graph.dossier.clusters import Cluster
from graph.dossier.story import story
from views.cluster import decide
from views.cluster.case import Case
from views.cluster.leaflet import leaflet
from views.cluster.network import drawn
from views.desk import BY_SNAPSHOT
from views.palette import Badge
from views.words import ACTIONS, NOUNS, TYPOLOGIES, ago, likely, plain, short, usd

_STATUS_COLOURS: Mapping[str, Badge] = {
    "new": "blue",
    "in review": "orange",
    "waiting": "violet",
    "decided": "green",
    "dismissed": "gray",
}


def draw(case: Case) -> None:
    """Title, badges and buttons; summary; money."""
    title, buttons = st.columns([1.8, 1], vertical_alignment="center")
    with title:
        _title(case)
    with buttons:
        _buttons(case)
    st.text(_story(case.here.dossier, case.cluster))
    _money(case)


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=BY_SNAPSHOT)
def _story(dossier: Dossier, cluster: Cluster) -> str:
    return story(dossier, cluster, NOUNS)


def _title(case: Case) -> None:
    name = TYPOLOGIES.get(case.cluster.typology, case.cluster.typology)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(f"{plain(name)} · {plain(short(case.id))}", width="content")
        st.badge(f"{likely(case.cluster.score)} likely abuse", color="red")
        advice = ACTIONS.get(case.cluster.action, case.cluster.action)
        st.badge(f"advice: {plain(advice)}", color="gray")
        st.badge(plain(case.status), color=_STATUS_COLOURS.get(case.status, "gray"))
        if case.assignee:
            st.badge(plain(case.assignee), icon=":material/person:", color="gray")


def _buttons(case: Case) -> None:
    person = case.here.person
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if person.may(Right.DECIDE):
            if st.button("Decide…", type="primary", shortcut="B", key="decide"):
                decide.members_dialog(case)
            if st.button("Dismiss…", shortcut="X", key="dismiss"):
                decide.dismiss_dialog(case)
        if person.may(Right.EXPORT):
            st.download_button(
                "HTML",
                data=lambda: leaflet(case, drawn(case, case.trail.steps)),
                file_name="ringfence-cluster.html",
                mime="text/html",
                on_click="ignore",
                icon=":material/download:",
                help="This cluster as one file that opens anywhere, offline",
            )
        if (
            person.may(Right.NOTE)
            and case.assignee != person.name
            and st.button("Take", key="take", icon=":material/person_add:")
        ):
            _take(case)


def _take(case: Case) -> None:
    here = case.here
    try:
        here.cases.assign(
            {case.case_id: case.version}, here.person.name, here.person, here.now
        )
    except ConflictError as error:
        st.warning(str(error))
        return
    st.rerun()


def _money(case: Case) -> None:
    cluster, money = case.cluster, case.cluster.money
    with st.container(horizontal=True, gap="large"):
        st.metric("Burned", usd(cluster.cost_usd), width="content")
        rate = f"{usd(money['at_risk_usd_per_hour'])}/h"
        st.metric("Burning now", rate, width="content")
        expected = usd(cluster.expected_chargebacks_usd)
        st.metric("Chargebacks to come", expected, width="content")
        st.metric(
            "If the ban were wrong",
            usd(cluster.wrong_ban_usd),
            width="content",
            help="What the company would lose if every member were innocent",
        )
        for role in ("core", "likely", "bystander"):
            st.metric(role.capitalize(), f"{money[role]:,.0f}", width="content")
        st.metric("Pay", f"{money['paying']:,.0f}", width="content")
        st.metric("New in 24 h", f"{money['new_today']:,.0f}", width="content")
        st.metric("Active", _active(case), width="content")


def _active(case: Case) -> str:
    span = case.cluster.last_seen - case.cluster.first_seen
    last = ago(case.cluster.last_seen, case.here.as_of)
    return f"{max(span.days, 1)} d, last {last}"
