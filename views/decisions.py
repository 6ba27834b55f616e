"""Decisions: proposals that wait, what was decided, undo, and the audit chain."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from graph import case_records
from graph.access import Right
from graph.acts import REASONS
from ingest.errors import RingfenceError
from views.columns import ColumnConfigs
from views.desk import Desk, desk, go
from views.words import ago, count, day, plain

_AUDIT_PAGE = 100


def draw() -> None:
    """Waiting first, then the record, then the chain."""
    here = desk()
    st.title("Decisions")
    with here.cases.reading() as connection:
        frame = case_records.decisions(connection)
    flash = st.session_state.pop("flash", "")
    if flash:
        st.toast(flash, icon=":material/check:")
    _waiting(here, frame[frame["state"] == "waiting"])
    record, audit = st.tabs(["Record", "Audit"], key="decisions-tab", on_change="rerun")
    if record.open:
        with record:
            _record(here, frame)
    if audit.open:
        with audit:
            _audit(here)


def _waiting(here: Desk, frame: pd.DataFrame) -> None:
    """Proposals for a second person; never for who proposed them."""
    if frame.empty:
        st.caption("No proposal waits for a second person.")
        return
    for batch_id, rows in frame.groupby("batch_id", sort=False):
        _proposal(here, str(batch_id), rows)


def _proposal(here: Desk, batch_id: str, rows: pd.DataFrame) -> None:
    first = rows.iloc[0]
    with st.container(border=True):
        paying = int(rows["paying"].sum())
        st.markdown(
            f"**{plain(first['by'])}** proposes to **{plain(first['verdict'])}** "
            f"{count(len(rows), str(first['subject_type']))}"
            f"{f', {paying} paying' if paying else ''} · "
            f"{plain(REASONS.get(first['reason'], first['reason']))} · "
            f"{ago(first['at'], here.now)} ago"
        )
        if first["note"]:
            st.text(first["note"])
        _members(rows)
        _answers(here, batch_id, first)


def _members(rows: pd.DataFrame) -> None:
    with st.expander(f"Whom: {count(len(rows), 'subject')}"):
        st.dataframe(
            rows[["subject_type", "subject_id", "paying"]],
            hide_index=True, row_height=28, height=200,
        )  # fmt: skip


def _answers(here: Desk, batch_id: str, first: pd.Series) -> None:
    own = first["by"] == here.person.name
    with st.container(horizontal=True, vertical_alignment="center"):
        if here.person.may(Right.APPROVE) and not own:
            if st.button("Approve", type="primary", key=f"approve-{batch_id}"):
                _answer_dialog(here, batch_id, agree=True)
            if st.button("Reject", key=f"reject-{batch_id}"):
                _answer_dialog(here, batch_id, agree=False)
        elif own:
            st.caption("Yours: another person has to answer it.")
        else:
            st.caption("An approver has to answer it.")
        if st.button("Look at the case", key=f"case-{batch_id}"):
            open_case(str(first["case_id"]))


def open_case(case_id: str) -> None:
    """Go to the page of what a case is about."""
    kind, _, name = case_id.partition(":")
    if name:
        kind, name = _identifier(kind, name)
        go("entity", type=kind, id=name)
    go("cluster", cluster=case_id)


def _identifier(kind: str, name: str) -> tuple[str, str]:
    if kind != "identifier":
        return kind, name
    inner, _, identifier = name.partition(":")
    return inner, identifier


@st.dialog("Second approval", icon=":material/group:")
def _answer_dialog(here: Desk, batch_id: str, *, agree: bool) -> None:
    st.write(
        "It takes effect at once and leaves with the next export."
        if agree
        else "The proposal is closed; nothing happens to anybody."
    )
    note = st.text_area("Note", height=68, max_chars=2000)
    label = "Approve" if agree else "Reject"
    if st.button(label, type="primary", key="answer"):
        try:
            here.cases.answer(batch_id, here.person, here.now, agree=agree, note=note)
        except RingfenceError as error:
            st.error(str(error))
            return
        st.session_state["flash"] = f"{label.rstrip('e')}ed"
        st.rerun()


def _record(here: Desk, frame: pd.DataFrame) -> None:
    """Every decision, newest first; chosen ones of one batch can be undone."""
    if frame.empty:
        st.caption("Nothing has been decided yet.")
        return
    states = st.pills(
        "State", ["in force", "waiting", "undone", "undo", "rejected"],
        selection_mode="multi", key="states", label_visibility="collapsed",
    )  # fmt: skip
    frame = frame[frame["state"].isin(states)] if states else frame
    frame = frame.iloc[::-1].head(2_000).reset_index(drop=True)
    picked = st.dataframe(
        frame[["at", "by", "verdict", "subject_type", "subject_id", "reason", "state",
               "answered_by", "expires_at", "note", "decision_id"]],
        key=f"record-{len(frame)}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=420,
        row_height=30,
        column_config=_RECORD_CONFIG,
        alt="Decisions, newest first",
    )  # fmt: skip
    places = [place for place in picked["selection"]["rows"] if place < len(frame)]
    chosen = frame.iloc[places]
    chosen = chosen[chosen["state"].isin(["in force", "waiting"])]
    if here.person.may(Right.DECIDE) and not chosen.empty:
        _undo(here, chosen, frame)


_RECORD_CONFIG: ColumnConfigs = {
    "at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm"),
    "by": "Who",
    "verdict": "Verdict",
    "subject_type": "What",
    "subject_id": "Which",
    "reason": "Reason",
    "state": "State",
    "answered_by": "Second person",
    "expires_at": st.column_config.DatetimeColumn("Until", format="YYYY-MM-DD"),
    "note": "Note",
    "decision_id": "Decision",
}


def _undo(here: Desk, chosen: pd.DataFrame, frame: pd.DataFrame) -> None:
    batches = chosen["batch_id"].unique()
    if len(batches) > 1:
        st.caption("Undo takes decisions of one act at a time.")
        return
    whole = frame[
        (frame["batch_id"] == batches[0]) & frame["state"].isin(["in force", "waiting"])
    ]
    with st.container(horizontal=True):
        if st.button(f"Undo {len(chosen)} chosen", icon=":material/undo:"):
            _undo_dialog(here, chosen["decision_id"].tolist())
        if len(whole) > len(chosen) and st.button(f"Undo all {len(whole)} of the act"):
            _undo_dialog(here, whole["decision_id"].tolist())


@st.dialog("Undo", icon=":material/undo:")
def _undo_dialog(here: Desk, decision_ids: list[str]) -> None:
    st.write(
        f"{count(len(decision_ids), 'decision')} will be lifted by a decision of your "
        "own; the record keeps both. Send the next export's rollback file to whoever "
        "got the last one."
    )
    reason = st.text_input("Why?", max_chars=500)
    if st.button("Undo", type="primary", disabled=not reason.strip(), key="undo-now"):
        try:
            here.cases.undo(decision_ids, here.person, here.now, reason.strip())
        except (RingfenceError, ValueError) as error:
            st.error(str(error))
            return
        st.session_state["flash"] = f"{count(len(decision_ids), 'decision')} undone"
        st.rerun()


def _audit(here: Desk) -> None:
    """The chain, newest first, and its proof."""
    if not here.person.may(Right.AUDIT):
        st.caption("Your role may not read the audit.")
        return
    with here.cases.reading() as connection:
        entries = case_records.audit(connection, _AUDIT_PAGE)
    if st.button("Verify the chain", icon=":material/verified:"):
        _verify(here)
    st.dataframe(
        entries[["seq", "at", "by", "action", "subject", "detail", "hash"]],
        hide_index=True,
        height=420,
        row_height=30,
        column_config={
            "at": st.column_config.DatetimeColumn("When (UTC)"),
            "detail": st.column_config.TextColumn("What", width="large"),
        },
        alt="Audit entries, newest first",
    )


def _verify(here: Desk) -> None:
    faults = here.cases.verify()
    if not faults:
        st.success(
            f"The chain holds, checked {day(here.now)} UTC against its anchor.",
            icon=":material/verified:",
        )
        return
    for fault in faults[:20]:
        st.error(f"Entry {fault.seq}: {fault.what}", icon=":material/gpp_bad:")
