"""The cluster as one HTML file to keep or send: opens from disk, asks nothing."""

from __future__ import annotations

from graph.audit import Entry
from graph.dossier.clusters import members, reasons, shared_identifiers
from graph.dossier.picture import Picture
from graph.exports.standalone import Node, Page, Table, render
from views.cluster.case import Case
from views.words import KINDS, TYPOLOGIES, day

_MEMBERS = ("account_id", "role", "score", "action", "cost_usd", "last_seen")
_SHARED = ("kind", "masked", "class", "inside", "outside", "links")


def leaflet(case: Case, pictured: Picture) -> bytes:
    """The page of the picture as it is drawn now; audited as an export.

    Values are masked as on the page itself; bystanders are counted, not named.
    """
    here, dossier = case.here, case.here.dossier
    detail = {"format": "html", "snapshot": dossier.name}
    here.cases.record(
        Entry(here.now, here.person.name, "export", case.id, detail), here.person
    )
    told = reasons(dossier, "cluster", case.id)
    named = members(dossier, case.id, roles=["core", "likely"])
    shared = shared_identifiers(dossier, case.id)
    page = Page(
        title=f"{TYPOLOGIES.get(case.cluster.typology, 'Cluster')} {case.id}",
        sentences=[
            case.cluster.summary,
            f"As of {day(here.as_of)} UTC; snapshot {dossier.name}.",
            *told["sentence"].head(6),
        ],
        tables=[
            Table("Members", _MEMBERS, named[list(_MEMBERS)].to_numpy().tolist()),
            Table("Shared", _SHARED, shared[list(_SHARED)].to_numpy().tolist()),
        ],
        nodes=_nodes(pictured),
        links=[*zip(pictured.edges["source"], pictured.edges["target"], strict=True)],
    )
    return render(page)


def _nodes(pictured: Picture) -> list[Node]:
    drawn = pictured.nodes[pictured.nodes["role"] != "bystander"]
    return [
        Node(name, f"{KINDS.get(kind, kind)} {label}", role or _colour(kind))
        for name, kind, label, role in zip(
            drawn["id"], drawn["type"], drawn["label"], drawn["role"], strict=True
        )
    ]


def _colour(kind: str) -> str:
    return "likely" if kind in {"account", "group"} else "identifier"
