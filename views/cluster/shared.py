"""What members share, how many others share it too, and what if it were innocent."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from graph import case_records
from graph.access import Right
from graph.acts import Act, Subject
from graph.dossier.clusters import shared_identifiers
from graph.dossier.doubt import loose
from graph.dossier.picture import node_id
from ingest.errors import RingfenceError
from views.cluster.case import Case
from views.cluster.decide import EXPIRY, INNOCENT, expires
from views.columns import ColumnConfigs
from views.words import KINDS, count, plain, reason_name, usd


def draw(case: Case) -> None:
    """The table; ticked rows are set aside, to see who would come loose."""
    shared = shared_identifiers(case.here.dossier, case.id)
    shared["node"] = [
        node_id(kind, name)
        for kind, name in zip(shared["kind"], shared["identifier"], strict=True)
    ]
    st.caption(
        "What links has been weighed against how often innocent strangers share it; "
        "the rest is shown so that you can doubt it. Tick rows to see who would come "
        "loose if they were innocent."
    )
    chosen = _table(case, shared)
    if len(chosen):
        _what_if(case, chosen)


def _table(case: Case, shared: pd.DataFrame) -> pd.DataFrame:
    texts = ["masked", "class", "country"]
    shared[texts] = shared[texts].astype(object).fillna("")
    known = case.here.cleared()
    told = dict(zip(known["node"], _words(known), strict=True))
    picked = st.dataframe(
        shared.assign(
            kind=shared["kind"].map(KINDS).fillna(shared["kind"]),
            weight=shared["weight"].where(shared["links"]),
            cleared=[told.get(node, "") for node in shared["node"]],
        )[["kind", "masked", "class", "inside", "outside", "links", "weight", "country",
           "asn", "first_seen", "last_seen", "cleared"]],
        key=case.key("shared"),
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=340,
        row_height=30,
        column_config=_CONFIG,
        alt="Identifiers that at least two members share; tick to set aside",
    )  # fmt: skip
    places = picked["selection"]["rows"] if picked else []
    return shared.iloc[[place for place in places if place < len(shared)]]


def _words(known: pd.DataFrame) -> list[str]:
    """Who cleared each identifier, and until when."""
    end = (" until " + known["expires_at"].dt.strftime("%Y-%m-%d")).fillna(" for good")
    return [f"{by}{until}" for by, until in zip(known["by"], end, strict=True)]


_CONFIG: ColumnConfigs = {
    "kind": "What",
    "masked": "Value",
    "class": "Class",
    "inside": st.column_config.NumberColumn("Members", help="Members that have it"),
    "outside": st.column_config.NumberColumn("Others", help="Accounts outside that do"),
    "links": st.column_config.CheckboxColumn("Links"),
    "weight": st.column_config.NumberColumn("Nats", format="%.1f"),
    "country": "Country",
    "asn": st.column_config.NumberColumn("ASN", format="%d"),
    "first_seen": st.column_config.DatetimeColumn("First", format="YYYY-MM-DD HH:mm"),
    "last_seen": st.column_config.DatetimeColumn("Last", format="YYYY-MM-DD HH:mm"),
    "cleared": "Cleared",
}


def _what_if(case: Case, chosen: pd.DataFrame) -> None:
    gone = loose(case.here.dossier, case.id, set(chosen["node"]))
    with st.container(border=True):
        st.markdown(plain(_told(case, chosen, gone)))
        if len(gone):
            st.dataframe(
                gone, hide_index=True, row_height=28, height="content" if len(gone) < 7
                else 220, alt="Members that would come loose",
            )  # fmt: skip
        if case.here.person.may(Right.DECIDE) and st.button(
            f"Clear {count(len(chosen), 'identifier')}…",
            icon=":material/verified_user:",
        ):
            _clear_dialog(case, chosen)


def _told(case: Case, chosen: pd.DataFrame, gone: pd.DataFrame) -> str:
    without = f"Without {'this' if len(chosen) == 1 else f'these {len(chosen)}'}"
    if gone.empty:
        return f"{without} nobody comes loose: other links hold every member."
    return (
        f"{without} {count(len(gone), 'member')} of {case.cluster.accounts:,} come "
        f"loose from the core; {int(gone['paying'].sum())} of them pay, and "
        f"{usd(gone['cost_usd'].sum())} of what was burned is theirs."
    )


@st.dialog("Clear", icon=":material/verified_user:")
def _clear_dialog(case: Case, chosen: pd.DataFrame) -> None:
    """Say that identifiers are innocent, for everyone, with a reason and an end."""
    for kind, masked in zip(chosen["kind"], chosen["masked"].fillna(""), strict=True):
        st.markdown(f":small[{plain(KINDS.get(kind, kind))} **{plain(masked)}**]")
    st.write(
        "A cluster that nothing else links leaves the queue until the end, and comes "
        "back when another link is seen."
    )
    reason = st.selectbox(
        "Reason", [*INNOCENT, "other"], format_func=reason_name, index=None,
        placeholder="Choose one", key=case.key("clear-reason"),
    )  # fmt: skip
    until = st.selectbox("Until", list(EXPIRY), index=2, key=case.key("clear-until"))
    note = st.text_area("Note", key=case.key("clear-note"), height=68, max_chars=2000)
    if st.button("Clear", type="primary", disabled=not reason, key="clear-now"):
        end = expires(case.here.now, until or "never")
        _record(case, chosen["node"].tolist(), str(reason), note, end)


def _record(
    case: Case, nodes: list[str], reason: str, note: str, end: datetime | None
) -> None:
    """One decision an identifier, each a case of its own."""
    here = case.here
    try:
        for node in nodes:
            case_id = f"identifier:{node}"
            with here.cases.reading() as connection:
                version = case_records.version(connection, case_id)
            act = Act(
                case_id=case_id,
                version=version,
                verdict="clear",
                reason=reason,
                subjects=(Subject("identifier", node),),
                snapshot=here.dossier.name,
                note=note,
                expires_at=end,
            )
            here.cases.decide(act, here.person, here.now)
    except RingfenceError as error:
        st.error(str(error), icon=":material/sync_problem:")
        return
    st.session_state["flash"] = f"{count(len(nodes), 'identifier')} cleared"
    st.rerun()
