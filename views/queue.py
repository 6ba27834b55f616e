"""The queue: what burns money now, narrowed by the address, fifty at a time."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from graph.derived import Snapshot
from graph.dossier.queue import PAGE, Filters, Page, queue
from views import preview
from views.columns import ColumnConfigs
from views.desk import Desk, desk
from views.words import ACTIONS, STATUSES, TYPOLOGIES, ago, usd

_SUBJECTS = {"cluster": "Clusters", "key": "Keys", "tenant": "Tenants"}
_WINDOWS = {"": None, "1 day": 1, "7 days": 7, "30 days": 30, "90 days": 90}
_OPEN = ("new", "in review", "waiting")


def draw() -> None:
    """Filters, totals, the table, and beside it what the chosen row is about."""
    here = desk()
    heading, news = st.columns([4, 1], vertical_alignment="center")
    heading.title("Queue")
    with news:
        _news(here)
    chosen = _filters(here)
    found = queue(here.dossier, here.standing(), chosen, _page_number())
    _totals(here, found)
    table, beside = st.columns([3.3, 1], gap="small")
    with table:
        rows = _table(here, found)
    with beside:
        preview.draw(here, rows if len(rows) else found.rows.head(1), chosen=len(rows))


def _page_number() -> int:
    return max(0, int(st.session_state.get("page", 1)) - 1)


@st.fragment(run_every="30s")
def _news(here: Desk) -> None:
    """Say that a newer snapshot is there; nothing moves until the person asks."""
    newest = Snapshot.current(here.workspace)
    if newest.folder == here.dossier.snapshot.folder:
        st.caption(f"as of {here.as_of:%Y-%m-%d %H:%M} UTC", text_alignment="right")
        return
    fresh = newest.connect()
    now = fresh.execute(
        "SELECT cluster_id FROM clusters WHERE action <> 'none'"
    ).fetchall()
    fresh.close()
    then = here.dossier.ask("SELECT cluster_id FROM clusters WHERE action <> 'none'")
    new = len({name for (name,) in now} - set(then["cluster_id"]))
    if st.button(f"{new} new", icon=":material/refresh:", help="Show them"):
        st.rerun()


def _filters(here: Desk) -> Filters:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typologies = st.multiselect(
            "Case",
            [name for name in TYPOLOGIES if name],
            format_func=lambda name: TYPOLOGIES[name],
            key="case",
            bind="query-params",
            placeholder="All cases",
            width=290,
        )
        statuses = st.multiselect(
            "Status",
            STATUSES,
            default=list(_OPEN),
            key="status",
            bind="query-params",
            placeholder="Any status",
            width=290,
        )
        paying = st.selectbox(
            "Paying members",
            ["", "with", "without"],
            format_func=lambda value: value or "any",
            key="paying",
            bind="query-params",
            width=120,
        )
        assigned = st.selectbox(
            "Assigned to",
            ["", here.person.name, *preview.assignees(here)],
            format_func=lambda name: name or "anyone",
            key="assigned",
            bind="query-params",
            width=140,
        )
        with st.popover("More", icon=":material/tune:"):
            return _more(typologies, statuses, paying or "", assigned or "")


def _more(
    typologies: list[str], statuses: list[str], paying: str, assigned: str
) -> Filters:
    types = st.multiselect(
        "What", list(_SUBJECTS), format_func=lambda name: _SUBJECTS[name], key="what",
        bind="query-params", placeholder="Clusters, keys and tenants",
    )  # fmt: skip
    members = st.number_input(
        "At least this many members", 0, key="size", bind="query-params"
    )
    dollars = st.number_input(
        "At least this many dollars burned", 0, key="usd", bind="query-params"
    )
    active = st.selectbox(
        "Active within", list(_WINDOWS), format_func=_any, key="active",
        bind="query-params",
    )  # fmt: skip
    age = st.selectbox(
        "Begun within", list(_WINDOWS), format_func=_any, key="age",
        bind="query-params",
    )  # fmt: skip
    quiet = st.toggle(
        "Also linked groups with nothing against them",
        key="quiet",
        bind="query-params",
    )
    return Filters(
        typologies=typologies,
        statuses=statuses,
        types=types,
        least_members=int(members),
        least_usd=float(dollars),
        active_days=_WINDOWS.get(active or ""),
        age_days=_WINDOWS.get(age or ""),
        paying=paying,
        assignee=assigned,
        quiet=quiet,
    )


def _any(value: str) -> str:
    return value or "any time"


def _totals(here: Desk, found: Page) -> None:
    with st.container(horizontal=True, gap="large"):
        st.metric("Cases", f"{found.cases:,}", width="content")
        st.metric("Accounts", f"{found.accounts:,}", width="content")
        st.metric("Burned", usd(found.cost_usd), width="content")
        st.metric(
            "At risk in the next 24 h",
            usd(found.at_risk_usd),
            width="content",
            help="What members burn per hour now, for a day, "
            "and the chargebacks expected of cards already charged",
        )
        oldest = ago(found.oldest, here.as_of) if found.oldest else "none"
        st.metric("Oldest", oldest, width="content")


def _table(here: Desk, found: Page) -> pd.DataFrame:
    """The page of rows; returns those that are ticked."""
    if found.rows.empty:
        st.info(
            "Nothing waits with these filters. Take some away above, or look at what "
            "was decided under Decisions.",
            icon=":material/task_alt:",
        )
        return found.rows
    number = _page_number()
    picked = st.dataframe(
        _columns(here, found.rows),
        key=f"queue-{here.dossier.name}-{number}-{hash(tuple(found.rows['subject_id']))}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=min(640, 38 + 33 * len(found.rows)),
        row_height=33,
        column_config=_COLUMNS,
        alt="Open cases, most dollars at risk first; the same rows as the download",
    )
    if found.cases > PAGE:
        st.pagination(
            -(-found.cases // PAGE),
            key="page",
            bind="query-params",
            max_visible_pages=7,
        )
    places = picked["selection"]["rows"] if picked else []
    return found.rows.iloc[[place for place in places if place < len(found.rows)]]


_COLUMNS: ColumnConfigs = {
    "Risk": st.column_config.ProgressColumn(
        format="%d %%", min_value=0, max_value=100, width=82
    ),
    "Case": st.column_config.TextColumn(width=112),
    "Pattern": st.column_config.TextColumn(width=126),
    "Members": st.column_config.NumberColumn(format="localized", width=58),
    "Pay": st.column_config.NumberColumn(width=40, help="Members that pay"),
    "Burned": st.column_config.NumberColumn(format="dollar", width=84),
    "At risk 24 h": st.column_config.NumberColumn(format="dollar", width=88),
    "New, 30 d": st.column_config.BarChartColumn(
        width=80, help="New accounts a day over the last 30 days"
    ),
    "Last": st.column_config.TextColumn(width=54, help="Since its last event"),
    "Advice": st.column_config.TextColumn(width=66),
    "Status": st.column_config.TextColumn(width=72),
    "By": st.column_config.TextColumn(width=60),
}


def _columns(here: Desk, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Case": rows["subject_id"],
            "Pattern": rows["typology"].map(TYPOLOGIES).fillna(rows["typology"]),
            "Risk": (rows["score"] * 100).astype(int).clip(upper=99),
            "Members": rows["members"],
            "Pay": rows["paying_members"],
            "Burned": rows["cost_usd"],
            "At risk 24 h": rows["at_risk_usd"],
            "New, 30 d": rows["arrivals"],
            "Last": [ago(moment, here.as_of) for moment in rows["last_seen"]],
            "Advice": rows["action"].map(ACTIONS).fillna(rows["action"]),
            "Status": rows["status"],
            "By": rows["assignee"],
        }
    )
