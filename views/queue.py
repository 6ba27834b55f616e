"""The queue: what burns money now, narrowed by the address, fifty at a time."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from graph.access import Right
from graph.acts import ConflictError
from graph.derived import Snapshot
from graph.dossier import Dossier
from graph.dossier.clusters import reasons, shared_identifiers
from graph.dossier.queue import PAGE, Filters, Page, queue
from views import download
from views.columns import ColumnConfigs
from views.desk import BY_SNAPSHOT, Desk, desk, go
from views.words import ACTIONS, KINDS, STATUSES, TYPOLOGIES, ago, count, plain, usd

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
    table, preview = st.columns([3.3, 1], gap="small")
    with table:
        rows = _table(here, found)
    with preview:
        _preview(here, rows if len(rows) else found.rows.head(1), chosen=len(rows))


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
            ["", here.person.name, *_assignees(here)],
            format_func=lambda name: name or "anyone",
            key="assigned",
            bind="query-params",
            width=140,
        )
        with st.popover("More", icon=":material/tune:"):
            return _more(typologies, statuses, paying or "", assigned or "")


def _assignees(here: Desk) -> list[str]:
    names = set(here.standing()["assignee"]) - {"", here.person.name}
    return sorted(names)


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


def _preview(here: Desk, rows: pd.DataFrame, chosen: int) -> None:
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
            open_subject(first["subject_type"], first["subject_id"])
        if here.person.may(Right.NOTE) and st.button(
            "Take", key="assign", icon=":material/person_add:"
        ):
            _assign(here, rows, here.person.name)
        if here.person.may(Right.NOTE):
            _give(here, rows)
        download.button("CSV", rows, _CSV, "queue", "csv")


def open_subject(subject_type: str, subject_id: str) -> None:
    """Go to the page of a cluster, or of any other thing."""
    if subject_type == "cluster":
        go("cluster", cluster=subject_id)
    go("entity", type=subject_type, id=subject_id)


def _give(here: Desk, rows: pd.DataFrame) -> None:
    """Assign to someone else, known from earlier cases or typed; or to nobody."""
    with st.popover("Give"):
        name = st.selectbox(
            "To whom", _assignees(here), index=None, key="give-to",
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
