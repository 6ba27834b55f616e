"""Exports: approved decisions in every format, each with its rollback file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st

from graph.access import Right
from graph.exports.approved import CAP, in_force, taken
from graph.exports.asking import request_of
from graph.exports.bans import export_bans
from graph.exports.registry import FORMATS
from graph.exports.tables import write_table
from views.desk import Desk, desk, open_ledger
from views.words import count

_TABLES = ("accounts", "clusters", "keys", "tenants")


def draw() -> None:
    """Choose a format, see what would leave, make the files."""
    here = desk()
    here.person.require(Right.EXPORT)
    st.title("Exports")
    decided = here.cases.approved(here.now)
    left, right = st.columns([1, 1.5], gap="large")
    with left:
        _bans(here, decided)
    with right:
        _preview(decided, str(st.session_state.get("format") or "csv"))
    st.subheader("Recommendations", anchor=False)
    st.caption("What detection advises for everything seen; nobody has approved these.")
    with st.container(horizontal=True):
        for name in _TABLES:
            st.download_button(
                name.capitalize(),
                data=partial(_table, here, name),
                file_name=f"{name}.csv",
                on_click="ignore",
                icon=":material/download:",
            )


def _bans(here: Desk, decided: pd.DataFrame) -> None:
    name = st.selectbox(
        "Format",
        list(FORMATS),
        format_func=lambda name: f"{FORMATS[name].summary} ({name})",
        key="format",
    )
    chosen = taken(in_force(decided, here.now), FORMATS[name or "csv"].takes)
    alone = int((~chosen["second_approval"]).sum())
    st.markdown(f"{count(len(chosen), 'approved decision')} would leave.")
    if alone > CAP:
        st.warning(
            f"{alone} of them were made by one person alone, above the cap of {CAP}: "
            "they leave once a second person has approved."
        )
        return
    if st.button("Make the files", type="primary", disabled=chosen.empty):
        st.session_state["made"] = (name, _make(here, name or "csv"))
    made = st.session_state.get("made")
    if made and made[0] == name:
        st.download_button(
            "Download with rollback and manifest",
            data=made[1],
            file_name=f"ringfence-{name}.zip",
            on_click="ignore",
            icon=":material/download:",
        )


def _preview(decided: pd.DataFrame, name: str) -> None:
    takes = FORMATS[name].takes
    pairs = pd.MultiIndex.from_frame(decided[["subject_type", "verdict"]])
    leaving = decided[pairs.isin(list(takes))]
    if leaving.empty:
        st.info(
            "Nothing approved is of a kind that this format takes. Decide on a cluster "
            "or a key first; recommendations never leave by themselves.",
            icon=":material/gavel:",
        )
        return
    st.dataframe(
        leaving.drop(columns=["snapshot", "case_id"]),
        hide_index=True,
        height=300,
        row_height=30,
        column_config={
            "decided_at": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "expires_at": st.column_config.DatetimeColumn(format="YYYY-MM-DD"),
        },
        alt="Approved decisions that this format takes",
    )


def _make(here: Desk, name: str) -> bytes:
    """The export as one zip: the file, its rollback, its manifest; audited."""
    ending = FORMATS[name].endings[0]
    ledger = open_ledger(here.workspace.root)
    with TemporaryDirectory(prefix="ringfence-") as folder:
        out = Path(folder) / f"ringfence-{name}{ending}"
        asked = request_of(here.cases, ledger, here.person, here.now)
        asked = replace(asked, snapshot=here.dossier.name)
        paths = export_bans(here.workspace, name, out, here.now, asked)
        return _zip(Path(folder), paths)


def _zip(folder: Path, paths: Sequence[Path]) -> bytes:
    packed = io.BytesIO()
    files = [
        f for path in paths for f in ([path] if path.is_file() else path.rglob("*"))
    ]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(set(files)):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return packed.getvalue()


def _table(here: Desk, name: str) -> bytes:
    with TemporaryDirectory(prefix="ringfence-") as folder:
        out = Path(folder) / f"{name}.csv"
        write_table(here.dossier.snapshot, name, out)
        return out.read_bytes()
