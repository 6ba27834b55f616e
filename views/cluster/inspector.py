"""Beside the graph: what the selected node is, why an edge is there, what two share."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from graph.dossier.blast import smallest_cut
from graph.dossier.clusters import reasons
from graph.dossier.picture import Picture, counts
from graph.dossier.ties import common, labels, tie
from views.cluster.case import Case
from views.desk import go
from views.palette import ROLES
from views.words import KINDS, count, day, plain, usd


def draw(case: Case, pictured: Picture, chosen: Mapping[str, object]) -> None:
    """What was chosen last in the graph."""
    ids = [str(name) for name in _listed(chosen.get("ids"))]
    if chosen.get("kind") == "path":
        _path(case, ids, [str(name) for name in _listed(chosen.get("way"))])
    elif chosen.get("kind") == "why":
        _edge(case, pictured, str(chosen.get("id", "")))
    elif len(ids) == 1:
        _node(case, pictured, ids[0])
    elif len(ids) > 1:
        _several(case, ids)
    else:
        _nothing(case)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _nothing(case: Case) -> None:
    st.subheader("Why these belong together", anchor=False)
    told = reasons(case.here.dossier, "cluster", case.id).head(6)
    st.markdown(_weighed(told, "**{:+.1f}** {}"))
    st.caption(
        "Weights in nats: +3 makes it some twenty times likelier. "
        "Click a node or an edge; shift-click a second node to compare."
    )


def _node(case: Case, pictured: Picture, name: str) -> None:
    found = pictured.nodes[pictured.nodes["id"] == name]
    if found.empty:
        _nothing(case)
        return
    node = found.iloc[0]
    st.caption(KINDS.get(str(node["type"]), "Other"))
    st.subheader(plain(node["label"]), anchor=False)
    if node["type"] == "group":
        _group(case, pictured, name)
    elif node["type"] == "account":
        _account(case, name, node)
    else:
        _thing(node)
    if node["type"] != "group":
        _neighbours(case, pictured, name)


def _account(case: Case, name: str, node: pd.Series) -> None:
    with st.container(horizontal=True, gap="small"):
        if node["role"]:
            st.badge(node["role"], color=ROLES.get(node["role"], "gray"))
        if node["paying"]:
            st.badge("pays", color="green", icon=":material/payments:")
        if not node["inside"]:
            st.badge("outside this cluster", color="gray")
        st.badge(f"{node['score']:.0%}", color="gray")
    told = reasons(case.here.dossier, "account", name.partition(":")[2])
    st.markdown(_weighed(told.head(5), ":small[**{:+.1f}** {}]"))
    if told.empty:
        st.caption("Nothing speaks against this account on its own.")
    if (
        node["inside"]
        and node["role"] != "core"
        and st.button("What holds it here?", icon=":material/content_cut:", key="cut")
    ):
        st.text(held_by(case, name.partition(":")[2]))


def _weighed(told: pd.DataFrame, line: str) -> str:
    """Reasons as paragraphs of one text, which draws sooner than a text for each."""
    pairs = zip(told["weight"], told["sentence"], strict=True)
    return "\n\n".join(line.format(weight, plain(text)) for weight, text in pairs)


def held_by(case: Case, account_id: str) -> str:
    """The smallest set of links that holds a member in its cluster, in words."""
    cut = smallest_cut(case.here.dossier, case.id, account_id)
    if cut.empty:
        return f"No identifier ties {account_id} to a core member: how it behaves does."
    kinds = cut["kind"].map(KINDS).fillna(cut["kind"])
    names = (kinds + " " + cut["masked"].fillna("")).str.strip()
    return (
        f"{account_id} hangs on the core by {', '.join(names)} alone "
        f"({cut['weight'].sum():.1f} nats): if that is innocent, so is it."
    )


def _thing(node: pd.Series) -> None:
    elsewhere = count(node["count"], "account")
    words = [f"used by {elsewhere}"]
    if node["note"]:
        words.append(str(node["note"]))
    if node["hub"]:
        words.append("a hub: shared by many, links nobody")
    st.text(" · ".join(words))


def _group(case: Case, pictured: Picture, name: str) -> None:
    accounts = pictured.collapsed.get(name, [])
    st.text(f"{count(len(accounts), 'account')} that share exactly the same things")
    st.button(
        "Draw them out",
        icon=":material/open_in_full:",
        key="open-group",
        on_click=case.step,
        args=({"kind": "open", "id": name}, {}),
    )
    plain_ids = [account.partition(":")[2] for account in accounts]
    st.dataframe(
        pd.DataFrame({"Account": plain_ids}), hide_index=True, row_height=28, height=300
    )


def _neighbours(case: Case, pictured: Picture, name: str) -> None:
    """How many neighbours of each type, before any is drawn."""
    found = counts(case.here.dossier, name)
    words = [count(n, KINDS.get(kind, kind).lower()) for kind, n in found.items()]
    st.markdown(f":small[{plain(' · '.join(words) or 'no links')}]")
    limit = st.select_slider(
        "Draw at most", [10, 25, 50, 100, 200], value=50, key="limit"
    )
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Expand",
            icon=":material/add_circle:",
            key="expand",
            on_click=case.step,
            args=({"kind": "expand", "id": name, "limit": limit}, pictured.drawn_out),
        )
        if st.button("Open", icon=":material/open_in_new:", key="open-entity"):
            kind, _, identifier = name.partition(":")
            go("entity", type=kind, id=identifier)


def _edge(case: Case, pictured: Picture, name: str) -> None:
    """Why linked: when, how often, how many others, what it weighs."""
    source, _, thing = name.partition("\0")
    st.subheader("Why linked", anchor=False)
    accounts = pictured.collapsed.get(source, [source])
    rows = tie(case.here.dossier, [a.partition(":")[2] for a in accounts], thing)
    if rows.empty:
        st.caption("This link is no longer in the data.")
        return
    first = rows.iloc[0]
    kind = KINDS.get(str(first["kind"]), str(first["kind"]))
    st.markdown(f"**{plain(kind)}** {plain(first['masked'] or first['identifier'])}")
    st.text(_verdict(first))
    seen = f"{day(rows['first_seen'].min())} to {day(rows['last_seen'].max())}"
    st.text(f"seen {count(rows['count'].sum(), 'time')}, {seen}")
    if rows["cost_usd"].sum():
        st.text(f"{usd(rows['cost_usd'].sum())} of usage")
    shown = rows[["account_id", "count", "first_seen", "last_seen"]]
    st.dataframe(
        shown.set_axis(["Account", "Times", "First", "Last"], axis=1),
        hide_index=True, row_height=28, height="content" if len(rows) < 8 else 240,
    )  # fmt: skip


def _verdict(row: pd.Series) -> str:
    others = count(row["accounts"], "account")
    if row["links"]:
        return f"links them: only {others} have it, worth {row['weight']:+.1f} nats"
    return f"context only: {others} have it, so it proves nothing by itself"


def _several(case: Case, ids: list[str]) -> None:
    st.subheader(f"{len(ids)} nodes selected", anchor=False)
    accounts = [name.partition(":")[2] for name in ids if name.startswith("account:")]
    if len(accounts) == 2 and len(ids) == 2:
        _common(case, accounts[0], accounts[1])
    if len(ids) == 2:
        st.caption("Path (W) finds the way between them.")
    for name in ids[:20]:
        st.text(name.partition(":")[2])


def _common(case: Case, one: str, other: str) -> None:
    shares = common(case.here.dossier, one, other)
    if shares.empty:
        st.text("They share nothing directly.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "Both have": shares["kind"].map(KINDS).fillna(shares["kind"])
                + " " + shares["masked"].fillna(shares["identifier"]),
                "Have it": shares["accounts"],
                "Nats": shares["weight"].where(shares["links"], 0.0).round(1),
            }
        ),
        hide_index=True, row_height=28,
    )  # fmt: skip


def _path(case: Case, ids: list[str], way: list[str]) -> None:
    st.subheader("The way between them", anchor=False)
    if not way:
        st.text(
            "There is none within six steps that does not lead over something "
            "that many share."
        )
        return
    for step, label in labels(case.here.dossier, way).items():
        kind = step.partition(":")[0]
        st.markdown(f":small[{plain(KINDS.get(kind, kind))}] {plain(label)}")
    both = [name.partition(":")[2] for name in ids if name.startswith("account:")]
    if len(both) == 2 and len(way) == 3:
        _common(case, both[0], both[1])
