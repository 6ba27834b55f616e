"""Deciding about a cluster: a verdict for each member, its blast radius, the seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from graph.acts import ALONE_LIMIT, ENFORCING, REASONS, VERDICTS, Act, Subject
from graph.dossier.blast import Blast, blast
from graph.dossier.clusters import members
from graph.dossier.standing import evidence
from ingest.errors import RingfenceError
from views.cluster.case import Case
from views.cluster.inspector import held_by
from views.words import count, plain, reason_name, usd

NO_VERDICT = "none"

# What is proposed for each role; the person changes what they see otherwise.
_STARTS: Mapping[str, Mapping[str, str]] = {
    "advice": {"core": "ban", "likely": "review"},
    "ban core": {"core": "ban"},
    "ban core and likely": {"core": "ban", "likely": "ban"},
    "hold core and likely": {"core": "hold", "likely": "hold"},
    "clear all": {"core": "clear", "likely": "clear", "bystander": "clear"},
}

EXPIRY: Mapping[str, int | None] = {
    "30 days": 30,
    "90 days": 90,
    "1 year": 365,
    "never": None,
}

INNOCENT = ("shared_place", "household", "one_customer", "research", "not_enough")


def acts(
    case_id: str,
    version: int,
    table: pd.DataFrame,
    common: Mapping[str, object],
) -> list[Act]:
    """One act a verdict over the members that got it.

    `table` has columns account_id, verdict, paying; `common` the further fields of
    `Act`. Members without a verdict are left alone.
    """
    chosen = table[table["verdict"].isin(VERDICTS["account"])]
    return [
        Act(
            case_id=case_id,
            version=version,
            verdict=str(verdict),
            subjects=tuple(
                Subject("account", str(name), bool(paying))
                for name, paying in zip(rows["account_id"], rows["paying"], strict=True)
            ),
            **common,  # type: ignore[arg-type]
        )
        for verdict, rows in chosen.groupby("verdict", sort=True)
    ]


@st.dialog("Decide", width="large", icon=":material/gavel:")
def members_dialog(case: Case) -> None:
    """Verdict by member, reason, blast radius, typed confirmation."""
    table = members(case.here.dossier, case.id)
    bulk = st.segmented_control(
        "Start from",
        list(_STARTS),
        default="advice",
        key=case.key("start"),
        required=True,
    )
    table["verdict"] = proposed(table["role"], bulk or "advice")
    edited = _edit(case, table, bulk or "advice")
    harsh = edited[edited["verdict"].isin([*ENFORCING, "hold"])]
    hit = blast(case.here.dossier, harsh["account_id"].tolist())
    _show_blast(case, hit)
    common = _reasons(case)
    enforced = edited["verdict"].isin(ENFORCING)
    waits = int(enforced.sum()) > ALONE_LIMIT or bool(edited["paying"][enforced].any())
    if waits:
        st.info(
            f"More than {ALONE_LIMIT} members, or one who pays: a second person has to "
            "approve. Until then nothing happens to anybody. Choose hold to act alone.",
            icon=":material/group:",
        )
    if _sealed(case, enforced=bool(enforced.any()), waits=waits):
        _record(case, acts(case.case_id, case.version, edited, common))


def proposed(roles: pd.Series, start: str) -> pd.Series:
    """The verdict proposed for each member by its role."""
    return roles.map(_STARTS[start]).fillna(NO_VERDICT)


def _edit(case: Case, table: pd.DataFrame, start: str) -> pd.DataFrame:
    columns = ["account_id", "verdict", "role", "paying", "score", "cost_usd"]
    columns += ["revenue_usd", "tenure_days"]
    return st.data_editor(
        table[columns],
        key=case.key(f"members-{start}"),
        hide_index=True,
        height=260,
        row_height=30,
        disabled=[name for name in columns if name != "verdict"],
        column_config={
            "account_id": "Account",
            "verdict": st.column_config.SelectboxColumn(
                "Verdict", options=[*VERDICTS["account"], NO_VERDICT], required=True
            ),
            "role": "Role",
            "paying": "Pays",
            "score": st.column_config.NumberColumn("Risk", format="percent"),
            "cost_usd": st.column_config.NumberColumn("Burned", format="dollar"),
            "revenue_usd": st.column_config.NumberColumn("Paid", format="dollar"),
            "tenure_days": st.column_config.NumberColumn("Days here"),
        },
    )


def _show_blast(case: Case, hit: Blast) -> None:
    st.subheader("Blast radius", anchor=False)
    if not hit.accounts:
        st.caption("Nobody loses anything by this.")
        return
    with st.container(horizontal=True, gap="large"):
        st.metric("Lose access", f"{hit.accounts:,}", width="content")
        st.metric("Of them pay", f"{hit.paying:,}", width="content")
        st.metric("Paid by them so far", usd(hit.revenue_usd), width="content")
        st.metric("Longest here", count(hit.longest_tenure, "day"), width="content")
        st.metric("Active this week", f"{hit.active:,}", width="content")
        st.metric("Bystanders", f"{hit.bystanders:,}", width="content")
    for name in hit.paying_ids[:3]:
        words = f"{name} pays. {held_by(case, name)}"
        st.markdown(f":small[:material/payments: {plain(words)}]")


def _reasons(case: Case) -> dict[str, object]:
    left, right = st.columns(2)
    names = list(REASONS)
    typology = case.cluster.typology
    reason = left.selectbox(
        "Reason",
        names,
        format_func=reason_name,
        key=case.key("reason"),
        index=names.index(typology) if typology in names else 0,
    )
    expiry = right.selectbox("Holds for", list(EXPIRY), index=2, key=case.key("expiry"))
    note = st.text_area("Note", key=case.key("note"), height=68, max_chars=2000)
    return {
        "reason": reason,
        "note": note,
        "expires_at": expires(case.here.now, expiry or "never"),
        "snapshot": case.here.dossier.name,
    }


def expires(now: datetime, choice: str) -> datetime | None:
    """When a decision made `now` ends; None for never."""
    days = EXPIRY[choice]
    return None if days is None else now + timedelta(days=days)


def _sealed(case: Case, *, enforced: bool, waits: bool) -> bool:
    """Whether the person confirmed; to take access away, type the cluster's id."""
    typed = ""
    if enforced:
        typed = st.text_input(
            "Type the cluster's id to confirm",
            key=case.key("typed"),
            placeholder=case.id,
            autocomplete="off",
        )
    ready = bool(st.session_state.get(case.key("reason"))) and (
        not enforced or typed.strip() == case.id
    )
    label = "Propose" if waits else "Decide"
    return st.button(label, type="primary", disabled=not ready, key=case.key("seal"))


@st.dialog("Dismiss", icon=":material/do_not_disturb_on:")
def dismiss_dialog(case: Case) -> None:
    """Set the cluster aside; it comes back when something new speaks against it."""
    st.write(
        "The cluster leaves the queue for everyone, with your reason. It comes back "
        "when it ends, or when something new speaks against it: a new kind of link, "
        "or twice as many members or dollars."
    )
    reason = st.selectbox(
        "Reason", [*INNOCENT, "other"], format_func=reason_name, index=None,
        placeholder="Choose one", key=case.key("dismiss-reason"),
    )  # fmt: skip
    expiry = st.selectbox("Until", list(EXPIRY), index=1, key=case.key("until"))
    note = st.text_area("Note", key=case.key("dismiss-note"), height=68)
    if st.button("Dismiss", type="primary", disabled=not reason):
        common = {
            "reason": reason or "other",
            "note": note,
            "expires_at": expires(case.here.now, expiry or "never"),
            "snapshot": case.here.dossier.name,
        }
        _record(case, [dismissal(case, common)])


def dismissal(case: Case, common: Mapping[str, object]) -> Act:
    """The act that sets the cluster aside, with what is known against it today."""
    dossier = case.here.dossier
    subjects: Sequence[Subject] = (Subject("cluster", case.id),)
    return Act(
        case_id=case.case_id,
        version=case.version,
        verdict="dismiss",
        subjects=tuple(subjects),
        evidence=tuple(evidence(dossier, [case.id]).get(case.id, [])),
        members=tuple(members(dossier, case.id)["account_id"]),
        **common,  # type: ignore[arg-type]
    )


def _record(case: Case, wanted: list[Act]) -> None:
    """Write the acts; a conflict is said, and nothing of them is kept."""
    here = case.here
    if not wanted:
        st.warning("No member has a verdict.")
        return
    known = tuple(members(here.dossier, case.id)["account_id"])
    remembered = [Act(**(vars(act) | {"members": known})) for act in wanted]
    try:
        outcomes = here.cases.decide_all(remembered, here.person, here.now)
    except RingfenceError as error:
        st.error(str(error), icon=":material/sync_problem:")
        return
    waits = sum(outcome.waits for outcome in outcomes)
    done = len(outcomes) - waits
    words = [f"{count(done, 'decision')} recorded"] if done else []
    words += ["proposal waits for a second person"] if waits else []
    st.session_state["flash"] = " · ".join(words)
    st.rerun()
