"""The audit of keys: living keys that a thief could use, and which to revoke first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from graph.access import Right
from graph.dossier import Dossier
from graph.dossier.keys import FINDINGS, PAGE, KeyPage, audit, counted
from views import download
from views.columns import ColumnConfigs
from views.desk import BY_SNAPSHOT, Desk, desk, go
from views.words import TYPOLOGIES, ago, count


@dataclass(frozen=True)
class _Finding:
    """How a finding reads: as a heading, and as what to do about it."""

    title: str
    advice: str


_WORDS: Mapping[str, _Finding] = {
    "exposed_and_alive": _Finding(
        "Exposed, still alive", "Revoke it now and give its owner a new one"
    ),
    "shared_by_tenants": _Finding(
        "Shared by tenants", "Give each tenant a key of its own, then revoke it"
    ),
    "shared_by_many_tools": _Finding(
        "Shared by tools", "Give each tool a key of its own, then revoke it"
    ),
    "unused": _Finding("Unused", "Revoke it: nobody will miss it"),
    "never_rotated_nor_expiring": _Finding(
        "Never rotated", "Rotate it and give the new one an end"
    ),
}


def draw() -> None:
    """How many keys have each finding, then the keys, what to revoke first first."""
    here = desk()
    st.title("Keys")
    st.caption(
        "Living keys only. First those that someone else uses now, then by the most "
        "urgent finding, then by dollars."
    )
    numbers = _counted(here.dossier)
    _figures(numbers)
    finding = _chosen(numbers)
    page = int(st.session_state.get("keys-page", 1)) - 1
    found = _audit(here.dossier, finding, page)
    if found.rows.empty:
        st.info("No living key has such a finding.", icon=":material/task_alt:")
        return
    chosen = _table(here, found, finding)
    _buttons(here, chosen if len(chosen) else found.rows)


def _figures(numbers: Mapping[str, int]) -> None:
    with st.container(horizontal=True, gap="large"):
        for name, number in numbers.items():
            st.metric(
                _WORDS[name].title,
                f"{number:,}",
                width="content",
                help=_WORDS[name].advice,
            )


def _chosen(numbers: Mapping[str, int]) -> str:
    """The finding that the table is narrowed to; empty for all."""
    choice = st.pills(
        "Finding",
        [name for name in FINDINGS if numbers[name]],
        format_func=lambda name: _WORDS[name].title,
        key="finding",
        bind="query-params",
        label_visibility="collapsed",
    )
    return str(choice or "")


def _table(here: Desk, found: KeyPage, finding: str) -> pd.DataFrame:
    """The page of keys; returns those that are ticked."""
    picked = st.dataframe(
        _columns(here, found.rows),
        key=f"keys-{finding}-{hash(tuple(found.rows['key_id']))}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        height=min(560, 38 + 30 * len(found.rows)),
        row_height=30,
        column_config=_COLUMNS,
        alt="Living keys with a finding, what to revoke first first",
    )
    if found.keys > PAGE:
        st.pagination(-(-found.keys // PAGE), key="keys-page", bind="query-params")
    places = picked["selection"]["rows"] if picked else []
    return found.rows.iloc[[place for place in places if place < len(found.rows)]]


_COLUMNS: ColumnConfigs = {
    "Key": st.column_config.TextColumn(width=140),
    "First thing to do": st.column_config.TextColumn(width=300),
    "Findings": st.column_config.ListColumn(width=210),
    "Exposed": st.column_config.TextColumn(help="Since it was seen in public"),
    "By others": st.column_config.NumberColumn(
        format="dollar", help="Usage that is not its owner's"
    ),
    "Usage": st.column_config.NumberColumn(format="dollar"),
    "Last use": st.column_config.TextColumn(),
}


def _columns(here: Desk, rows: pd.DataFrame) -> pd.DataFrame:
    first = [findings[0] for findings in rows["findings"]]
    return pd.DataFrame(
        {
            "Key": rows["key_id"],
            "First thing to do": [_WORDS[name].advice for name in first],
            "Findings": [
                [_WORDS[name].title for name in names] for names in rows["findings"]
            ],
            "Exposed": _since(here, rows["exposed_at"]),
            "By others": rows["foreign_usd"],
            "Usage": rows["usage_usd"],
            "Accounts": rows["users"],
            "Tenants": rows["tenants"],
            "Tools": rows["tools"],
            "Last use": _since(here, rows["last_seen"]),
            "Verdict": rows["typology"]
            .map(TYPOLOGIES)
            .where(rows["typology"] != "", ""),
            "Owner": rows["account_id"],
        }
    )


def _since(here: Desk, moments: pd.Series) -> pd.Series[str]:
    """How long ago each was, empty for what never was."""
    known = moments.dropna()
    words = [ago(moment, here.as_of) for moment in known]
    return pd.Series(words, known.index, dtype=str).reindex(
        moments.index, fill_value=""
    )


def _buttons(here: Desk, rows: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Open", type="primary", shortcut="O", key="open-key"):
            go("entity", type="key", id=str(rows["key_id"].iloc[0]))
        if here.person.may(Right.EXPORT):
            told = rows.assign(findings=_joined(rows))
            label = f"CSV of {count(len(rows), 'key')}"
            download.button(label, told, _CSV, "keys", "keys-csv")


def _joined(rows: pd.DataFrame) -> list[str]:
    return [" ".join(names) for names in rows["findings"]]


_CSV = {
    "key_id": "id",
    "account_id": "id",
    "findings": "text",
    "action": "text",
    "typology": "text",
    "exposed_at": "time",
    "last_seen": "time",
    "users": "whole",
    "tenants": "whole",
    "tools": "whole",
    "foreign_usd": "number",
    "usage_usd": "number",
}


@st.cache_data(show_spinner=False, max_entries=4, hash_funcs=BY_SNAPSHOT)
def _counted(dossier: Dossier) -> dict[str, int]:
    return counted(dossier)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_SNAPSHOT)
def _audit(dossier: Dossier, finding: str, page: int) -> KeyPage:
    return audit(dossier, finding, page)
