"""One account, key, address, device, card or tenant: what it is and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import pandas as pd
import streamlit as st

from graph import case_records
from graph.access import Right
from graph.acts import REASONS, VERDICTS, Act, Subject
from graph.audit import Entry
from graph.dossier.clusters import reasons
from graph.dossier.entities import clusters_of, entity, links
from graph.dossier.ties import labels, path
from ingest.errors import RingfenceError
from views import charts
from views.cluster.decide import expires
from views.columns import ColumnConfigs
from views.desk import Desk, desk, go, open_ledger
from views.words import KINDS, TYPOLOGIES, count, day, plain, reason_name, usd

# Attributes shown as money; the rest by its type.
_MONEY = ("_usd", "_usd_per_hour")
_HIDDEN = ("reasons", "frameworks", "audit", "identifier", "control", "harm", "benign")


def draw() -> None:
    """The thing that the address names."""
    here = desk()
    kind = st.query_params.get("type", "account")
    name = st.query_params.get("id", "")
    known = entity(here.dossier, kind, name)
    if known is None:
        _unknown(kind, name)
        return
    _head(here, kind, name, known)
    facts, hangs = st.columns([1, 2.1], gap="medium")
    with facts:
        _facts(known)
        _why(here, kind, name)
    with hangs:
        _clusters(here, kind, name)
        _links(here, kind, name)
    _time(here, kind, name)


def _unknown(kind: str, name: str) -> None:
    with st.container(width=560):
        st.title("Not in this snapshot")
        thing = KINDS.get(kind, kind).lower()
        st.markdown(f"No {plain(thing)} **{plain(name)}** was seen up to the last run.")
        if st.button("Search for something else", icon=":material/search:"):
            go("search")


def _head(here: Desk, kind: str, name: str, known: Mapping[str, object]) -> None:
    title, buttons = st.columns([2, 1], vertical_alignment="center")
    with title, st.container(horizontal=True, vertical_alignment="center"):
        st.title(f"{KINDS.get(kind, plain(kind))} · {plain(_label(known, name))}")
        if known.get("action") not in {None, "none"}:
            st.badge(f"advice: {plain(known['action'])}", color="red")
        if known.get("typology"):
            st.badge(plain(TYPOLOGIES.get(str(known["typology"]), "")), color="gray")
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        subject = _subject(kind, name)
        if (
            subject
            and here.person.may(Right.DECIDE)
            and st.button("Decide…", type="primary", shortcut="B")
        ):
            _decide_dialog(here, subject)
        if (
            "masked" in known
            and here.person.may(Right.REVEAL)
            and st.button("Reveal…", icon=":material/visibility:")
        ):
            _reveal_dialog(here, kind, name)


def _label(known: Mapping[str, object], name: str) -> str:
    return str(known.get("masked") or name)


def _subject(kind: str, name: str) -> Subject | None:
    if kind in {"account", "key", "tenant"}:
        return Subject(kind, name)
    return Subject("identifier", f"{kind}:{name}")


def _facts(known: Mapping[str, object]) -> None:
    rows = [
        (column.replace("_", " "), _fact(column, value))
        for column, value in known.items()
        if column not in _HIDDEN
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["Attribute", "Value"]),
        hide_index=True,
        row_height=28,
        height="content",
        alt="Attributes",
    )


def _fact(column: str, value: object) -> str:
    if isinstance(value, datetime):
        return day(value)
    if isinstance(value, float) and column.endswith(_MONEY):
        return usd(value)
    if isinstance(value, float):
        return f"{value:,.3g}"
    return str(value)


def _why(here: Desk, kind: str, name: str) -> None:
    told = reasons(here.dossier, kind, name)
    for reason in told.itertuples():
        st.markdown(f":small[`{reason.weight:+.1f}` {plain(reason.sentence)}]")
    if kind == "key":
        _advice(here, name)


def _advice(here: Desk, name: str) -> None:
    """What the audit of a key's handling found, where detection wrote one."""
    known = entity(here.dossier, "key", name) or {}
    try:
        found = json.loads(str(known.get("audit", "")) or "[]")
    except ValueError:
        found = [known.get("audit")]
    for line in found if isinstance(found, list) else [found]:
        st.markdown(f":small[:material/rule: {plain(line)}]")


def _clusters(here: Desk, kind: str, name: str) -> None:
    found = clusters_of(here.dossier, kind, name)
    for row in found.head(5).itertuples():
        label = (
            f"{plain(TYPOLOGIES.get(str(row.typology), 'Cluster'))} · "
            f"{count(float(str(row.members_here)), 'account')} of {row.accounts}"
        )
        with st.container(horizontal=True):
            if st.button(label, icon=":material/hub:", key=f"c-{row.cluster_id}"):
                go("cluster", cluster=str(row.cluster_id))
            if kind != "account" and st.button("Path", key=f"p-{row.cluster_id}"):
                _path(here, f"{kind}:{name}", str(row.cluster_id))


def _path(here: Desk, start: str, cluster_id: str) -> None:
    """The way from here to the cluster's first core member."""
    core = here.dossier.ask(
        "SELECT account_id FROM accounts WHERE cluster_id = ? "
        "ORDER BY role = 'core' DESC, score DESC, account_id LIMIT 1",
        [cluster_id],
    )
    way = path(here.dossier, start, f"account:{core['account_id'].iloc[0]}")
    shown = labels(here.dossier, way)
    words = [f"{KINDS.get(s.partition(':')[0], 'Other')} {shown[s]}" for s in way]
    st.text(" → ".join(words) or "no way that does not lead over what many share")


def _links(here: Desk, kind: str, name: str) -> None:
    found = links(here.dossier, kind, name)
    if found.empty:
        st.caption("Nothing hangs on it.")
        return
    shown = found.drop(columns=["id"])
    words = [name for name in ("label", "note", "role", "cluster_id") if name in shown]
    shown[words] = shown[words].fillna("")
    picked = st.dataframe(
        shown,
        key=f"links-{kind}-{name}",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=min(420, 40 + 30 * len(found)),
        row_height=30,
        column_config=_LINK_CONFIG,
        alt="Links by type; choose a row to open it",
    )
    places = picked["selection"]["rows"]
    if places and places[0] < len(found):
        row = found.iloc[places[0]]
        go("entity", type=str(row["type"]), id=str(row["id"]))


_LINK_CONFIG: ColumnConfigs = {
    "type": "What",
    "label": "Which",
    "note": "Note",
    "shared_by": st.column_config.NumberColumn("Shared by"),
    "links": st.column_config.CheckboxColumn("Links"),
    "foreign_use": st.column_config.CheckboxColumn("Foreign"),
    "times": st.column_config.NumberColumn("Times", format="localized"),
    "score": st.column_config.NumberColumn("Risk", format="percent"),
    "role": "Role",
    "cluster_id": "Cluster",
    "cost_usd": st.column_config.NumberColumn("Usage", format="dollar"),
    "first_seen": st.column_config.DatetimeColumn("First", format="YYYY-MM-DD HH:mm"),
    "last_seen": st.column_config.DatetimeColumn("Last", format="YYYY-MM-DD HH:mm"),
}


def _time(here: Desk, kind: str, name: str) -> None:
    accounts, keys = _whose(here, kind, name)
    if not accounts and not keys:
        return
    frame = charts.events_of(here, f"{kind}:{name}", accounts, keys)
    if not frame.empty:
        st.altair_chart(charts.swim_lanes(frame), alt="Events in lanes by time")


def _whose(here: Desk, kind: str, name: str) -> tuple[list[str], list[str]]:
    """The accounts and keys whose events tell the story of one thing."""
    if kind == "key":
        return [], [name]
    if kind == "account":
        return [name], []
    found = links(here.dossier, kind, name)
    return found.loc[found["type"] == "account", "id"].head(500).tolist(), []


@st.dialog("Reveal", icon=":material/visibility:")
def _reveal_dialog(here: Desk, kind: str, name: str) -> None:
    """Show the readable value while the dialog is open, once a reason is given."""
    reason = st.text_input("Why do you need it?", max_chars=200)
    if st.button("Reveal", type="primary", disabled=len(reason.strip()) < 5):
        subject = f"{kind}:{name} {reason.strip()}"
        entry = Entry(here.now, here.person.name, "reveal", subject, {"kind": kind})
        here.cases.record(entry, here.person)
        value = open_ledger(here.workspace.root).reveal(kind, name)
        st.text(value if value is not None else "The vault holds no value for it.")
    st.caption("Your name, the reason and the time go to the audit.")


@st.dialog("Decide", icon=":material/gavel:")
def _decide_dialog(here: Desk, subject: Subject) -> None:
    """One verdict on one thing."""
    subject = _with_payment(here, subject)
    case_id = f"{subject.type}:{subject.id}"
    with here.cases.reading() as connection:
        version = case_records.version(connection, case_id)
    verdict = st.segmented_control("Verdict", VERDICTS[subject.type], key="verdict")
    reason = st.selectbox("Reason", list(REASONS), format_func=reason_name, index=None)
    until = st.selectbox(
        "Holds for", ["30 days", "90 days", "1 year", "never"], index=1
    )
    note = st.text_area("Note", height=68, max_chars=2000)
    if subject.paying:
        st.info("This one pays: a ban waits for a second person.")
    if st.button("Decide", type="primary", disabled=not (verdict and reason)):
        act = Act(
            case_id=case_id,
            version=version,
            verdict=str(verdict),
            reason=str(reason),
            subjects=(subject,),
            snapshot=here.dossier.name,
            note=note,
            expires_at=expires(here.now, until or "never"),
        )
        _record(here, act)


def _with_payment(here: Desk, subject: Subject) -> Subject:
    """The subject, marked as paying when it has paid and not disputed."""
    if subject.type != "account":
        return subject
    known = entity(here.dossier, "account", subject.id) or {}
    paid, disputed = known.get("paid_usd", 0.0), known.get("disputed_usd", 0.0)
    return Subject(subject.type, subject.id, float(str(paid)) > float(str(disputed)))


def _record(here: Desk, act: Act) -> None:
    try:
        outcome = here.cases.decide(act, here.person, here.now)
    except RingfenceError as error:
        st.error(str(error))
        return
    words = "Proposed: a second person has to approve" if outcome.waits else "Decided"
    st.toast(words)
    st.rerun()
