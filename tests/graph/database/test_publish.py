"""Publishing on both databases: what a graph holds, the same however often."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from graph.model import NODE, NODES, RELATIONSHIPS, Relationship
from graph.publish import cypher, graph_hash, note, publish, stage, staged_hash
from graph.soundness import check_published
from graph.store import Store
from ingest.progress import Report
from tests.graph.database.published import (
    COUNTS,
    EMPTY,
    HOSTILE,
    CutError,
    Tables,
    World,
    afresh,
    soaked,
    told,
)

KINDS = "MATCH ()-[r]->() RETURN type(r) AS name, count(*) AS n"


def test_the_graph_holds_what_was_derived(store: Store, world: World) -> None:
    heard: list[Report] = []
    done = publish(world.workspace, world.first(), store, heard.append)
    assert (heard[-1].done, heard[-1].total) == (55 + 101, 55 + 101)
    assert told(store, COUNTS) == {
        "Account": 16, "ApiKey": 3, "Cluster": 3, "Device": 3, "Email": 16,
        "EmailDomain": 2, "IP": 5, "Identifier": 2, "PaymentInstrument": 2,
        "Phone": 1, "Tenant": 2,
    }  # fmt: skip
    assert told(store, KINDS) == {
        "AT_DOMAIN": 16, "HAS_EMAIL": 16, "HAS_IDENTIFIER": 4, "HAS_PHONE": 2,
        "INVITED": 3, "IN_CLUSTER": 9, "KEY_HAS_IDENTIFIER": 1, "KEY_OF_TENANT": 3,
        "KEY_USED_FROM": 6, "MEMBER_OF": 6, "OWNS_KEY": 3, "PAID_WITH": 5,
        "USED_DEVICE": 12, "USED_IP": 14, "USED_KEY": 1,
    }  # fmt: skip
    assert (done.nodes_written, done.relationships_written) == (55, 101)


def test_properties_arrive_with_their_types(store: Store, world: World) -> None:
    publish(world.workspace, world.first(), store)
    text = (
        "MATCH (a:Account {id: 'farm-3'})-[r:USED_DEVICE]->(d:Device {id: 'd-1'})"
        " RETURN r.first_seen AS seen, r.count AS count, r.cost_usd AS cost,"
        " a.reasons AS reasons, a.closed_at AS closed, d.links AS links"
    )
    assert store.run(text) == [
        {
            "seen": datetime(2026, 4, 11, 12, 3, tzinfo=UTC),
            "count": 4,
            "cost": 0.75,
            "reasons": ["shared_device", "burst"],
            "closed": None,
            "links": True,
        }
    ]


def test_publishing_again_changes_nothing(store: Store, world: World) -> None:
    snapshot = world.first()
    first = afresh(world.workspace, snapshot, store)
    assert publish(world.workspace, snapshot, store).mode == "nothing"
    again = publish(world.workspace, snapshot, store, full=True)
    assert (again.mode, again.nodes_written, again.removed) == ("merge", 55, 0)
    assert graph_hash(store) == first
    assert staged_hash(stage.stage(world.workspace, snapshot)) == first


def test_a_graph_that_was_changed_behind_its_back_is_found(
    store: Store, world: World
) -> None:
    publish(world.workspace, world.first(), store)
    assert check_published(world.workspace, store).sound
    store.run("MATCH (a:Account {id: 'farm-3'}) SET a.score = 0", write=True)
    found = check_published(world.workspace, store)
    assert (found.sound, found.part) == (False, "graph")
    publish(world.workspace, world.first(), store, full=True)
    assert check_published(world.workspace, store).sound


def test_a_later_snapshot_writes_only_what_changed(store: Store, world: World) -> None:
    publish(world.workspace, world.first(), store)
    later = world.later()
    done = publish(world.workspace, later, store)
    assert (done.mode, done.nodes_written, done.removed) == ("change", 2, 5)
    grown = graph_hash(store)
    assert grown == afresh(world.workspace, later, store)


def test_over_an_unknown_graph_it_merges_and_sweeps(store: Store, world: World) -> None:
    publish(world.workspace, world.first(), store)
    shutil.rmtree(world.workspace.database / "staged")
    store.run("MATCH (a:Account {id: 'farm-1'}) SET a.stain = 1", write=True)
    later = world.later()
    assert publish(world.workspace, later, store).mode == "merge"
    merged = graph_hash(store)
    assert merged == afresh(world.workspace, later, store)


def test_without_its_note_the_graph_is_merged_over(store: Store, world: World) -> None:
    snapshot = world.first()
    first = afresh(world.workspace, snapshot, store)
    store.run("MATCH (p:Publication) DELETE p", write=True)
    assert publish(world.workspace, snapshot, store).mode == "merge"
    assert graph_hash(store) == first


def test_what_others_keep_in_the_database_stays(store: Store, world: World) -> None:
    store.run("CREATE (:Memo {id: 'mine'})", write=True)
    publish(world.workspace, world.first(), store)
    publish(world.workspace, world.first(), store, full=True)
    assert store.run("MATCH (m:Memo) RETURN m.id AS id") == [{"id": "mine"}]


def test_the_suspicious_come_first(store: Store, world: World) -> None:
    def stop_there(told: Report) -> None:
        if "suspicious" in told.detail:
            raise CutError

    with pytest.raises(CutError):
        publish(world.workspace, world.first(), store, stop_there)
    members = "MATCH (:Cluster {id: 'c-farm'})<-[:IN_CLUSTER]-(a) RETURN count(a) AS n"
    links = "MATCH (:Account {id: 'farm-0'})-[r]->() RETURN count(r) AS n"
    assert store.run(members) == [{"n": 6}]
    # Its address of the campus too, but no honest student yet.
    assert store.run(links) == [{"n": 9}]
    quiet = "MATCH (a:Account {id: 'honest-5'}) RETURN count(a) AS n"
    assert store.run(quiet) == [{"n": 0}]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_makes_no_label_type_or_key(
    store: Store, world: World, tables: Tables, text: str
) -> None:
    publish(world.workspace, world.of(soaked(tables, text)), store)
    labels = {label for label, _ in told(store, COUNTS).items()}
    assert labels <= set(NODE)
    assert set(told(store, KINDS)) <= {kind.type for kind in RELATIONSHIPS}
    keys = "MATCH (n) UNWIND keys(n) AS name RETURN name, count(*) AS n"
    known = {p.name for node in NODES for p in node.properties} | {"ringfence_run"}
    noted = set(note.Note.__dataclass_fields__) | {"lane"}
    assert set(told(store, keys)) <= known | noted
    found = "MATCH (a:Account {id: $id}) RETURN a.plan AS plan"
    assert len(text) > 512 or store.run(found, {"id": text + "farm-0"}) == [
        {"plan": text}
    ]


@pytest.mark.neo4j
def test_both_databases_hold_the_same_graph(
    world: World, embedded_store: Store, neo4j_store: Store
) -> None:
    snapshot = world.first()
    embedded = afresh(world.workspace, snapshot, embedded_store)
    assert afresh(world.workspace, snapshot, neo4j_store) == embedded


@pytest.mark.neo4j
@pytest.mark.parametrize(
    "text", [cypher.change_relationships, cypher.delete_relationships]
)
def test_a_relationship_is_found_by_both_its_ends(
    world: World, neo4j_store: Store, text: Callable[[Relationship], str]
) -> None:
    publish(world.workspace, world.first(), neo4j_store)
    (used_ip,) = (kind for kind in RELATIONSHIPS if kind.type == "USED_IP")
    found = neo4j_store.explain(text(used_ip), {"rows": [], "run": 1}).operators
    assert "Expand(Into)" in found
    assert "Expand(All)" not in found


def test_the_hash_sees_every_difference(store: Store, world: World) -> None:
    publish(world.workspace, world.first(), store)
    changes = (
        "MATCH (a:Account {id: 'farm-0'}) SET a.score = 0.123",
        "MATCH (a:Account {id: 'farm-0'}) SET a.unheard_of = 1",
        "MATCH (:Account {id: 'farm-0'})-[r:USED_DEVICE]->() SET r.count = 99",
        "MATCH (:Account {id: 'farm-0'})-[r:USED_DEVICE]->() DELETE r",
        "CREATE (:Stranger {id: 'x'})",
    )
    hashes = [graph_hash(store)]
    for change in changes:
        store.run(change, write=True)
        hashes.append(graph_hash(store))
    # The publisher's note does not know of these changes: no other test may trust it.
    store.run(EMPTY, write=True)
    assert len(set(hashes)) == len(hashes)


def test_staged_folders_do_not_pile_up(world: World, tables: Tables) -> None:
    for hours in range(6):
        tables["accounts"][0]["last_seen"] = datetime(2026, 4, 1) + timedelta(  # noqa: DTZ001
            hours=hours
        )
        stage.stage(world.workspace, world.of(tables))
    assert len(list((world.workspace.database / "staged").iterdir())) == 3
