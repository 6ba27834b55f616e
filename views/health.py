"""Health: how fresh the data is, what was refused, which database answers."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from graph.derived import Snapshot
from graph.dossier.health import Vitals, refused_lines, runs, sizes, vitals
from ingest.errors import RingfenceError
from views.database import state_of_database
from views.desk import Desk, desk, indexing, now, open_ledger, root
from views.words import ago, count, day, plain

_PAGE = 50


def draw() -> None:
    """Works without a snapshot too: that is when one looks here."""
    st.title("Health")
    with open_ledger(root()).connect() as ledger:
        found = vitals(ledger)
        _figures(found)
        left, right = st.columns(2, gap="large")
        with left:
            _runs(found)
            _database()
        with right:
            _refused(found)
        if len(found.refused):
            _lines(ledger, found)


def _figures(found: Vitals) -> None:
    refused = int(found.refused["lines"].sum())
    with st.container(horizontal=True, gap="large"):
        st.metric("Events in the ledger", f"{found.events:,}", width="content")
        latest = day(found.latest) if found.latest else "none yet"
        st.metric("Newest event (UTC)", latest, width="content")
        behind = ago(found.latest, now()) if found.latest else "unknown"
        st.metric("Behind the clock", behind, width="content")
        st.metric("Lines in quarantine", f"{refused:,}", width="content")
    if not found.events:
        st.info(
            "The ledger is empty. Bring events in with `ringfence ingest FILES`, then "
            "`ringfence detect`; or see a made world with `ringfence demo`.",
            icon=":material/input:",
        )


def _runs(found: Vitals) -> None:
    st.subheader("Detection", anchor=False)
    try:
        here = desk()
    except RingfenceError as error:
        st.text(str(error))
        return
    snapshot: Snapshot = here.dossier.snapshot
    st.text(f"Snapshot {here.dossier.name}, as of {day(here.as_of)} UTC")
    fresh = snapshot.ledger == open_ledger(root()).fingerprint
    if fresh:
        st.caption(":material/check: It rests on all events that are in the ledger.")
    else:
        st.caption(":material/update: Newer events wait: run `ringfence detect`.")
    st.dataframe(
        pd.DataFrame(sizes(here.dossier).items(), columns=["Holds", "Number"]),
        hide_index=True, row_height=28,
        column_config={"Number": st.column_config.NumberColumn(format="localized")},
    )  # fmt: skip
    held = runs(here.workspace)
    held["as_of"] = held["as_of"].dt.strftime("%Y-%m-%d %H:%M").fillna("")
    st.dataframe(
        held,
        hide_index=True,
        row_height=28,
        column_config={
            "run": "Run",
            "finished": st.column_config.DatetimeColumn(
                "Finished (UTC)", format="YYYY-MM-DD HH:mm"
            ),
            "as_of": "As of (UTC)",
        },
        alt="The last ingest and the detections still held",
    )
    st.caption(_index(here))
    with st.expander("Events by type"):
        st.dataframe(found.by_type, hide_index=True, row_height=28)


def _index(here: Desk) -> str:
    """How the snapshot's index stands, by which single things are found quickly."""
    built = indexing(here.dossier)
    if not built.done():
        return ":material/hourglass: Its index is being built; answers take longer."
    fault = built.exception()
    if fault is None:
        return ":material/check: Its index is ready."
    return (
        f":material/warning: It has no index ({plain(fault)}), so answers take longer: "
        "let the workspace's folder be written, then open the page anew."
    )


def _database() -> None:
    st.subheader("Graph database", anchor=False)
    state = state_of_database()
    st.text(state.sentence)
    if not state.up:
        st.caption(
            "Queue, clusters, search, decisions and exports work without it; "
            "only the console asks it."
        )


def _refused(found: Vitals) -> None:
    st.subheader("Quarantine", anchor=False)
    if found.refused.empty:
        st.caption(":material/check: Every line that was read was accepted.")
        return
    st.dataframe(
        found.refused, hide_index=True, row_height=28, alt="Refused lines by reason"
    )


def _lines(ledger: object, found: Vitals) -> None:
    st.subheader("Refused lines", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason = st.selectbox(
            "Reason", ["", *found.refused["reason"]],
            format_func=lambda value: value or "all", width=420,
        )  # fmt: skip
        rows = found.refused
        of_reason = rows if not reason else rows[rows["reason"] == reason]
        total = int(of_reason["lines"].sum())
        page = st.pagination(max(1, -(-total // _PAGE)), key="refused-page")
    frame = refused_lines(ledger, reason or "", page - 1, _PAGE)  # type: ignore[arg-type]
    st.caption(
        f"{count(total, 'line')}; secrets in them are redacted. "
        "Mend them at the source and ingest the file again: accepted lines count once."
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=380,
        row_height=30,
        column_config={"text": st.column_config.TextColumn("line", width="large")},
        alt="Refused lines with file, line number and reason",
    )
