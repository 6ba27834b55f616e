"""Publishing on both databases: the same graph however often and however it ended."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from graph import neo4j_local
from graph.derived import Snapshot
from graph.model import NODE, NODES, RELATIONSHIPS
from graph.publish import (
    graph_hash,
    note,
    publish,
    publish_offline,
    run,
    stage,
    staged_hash,
    steps,
)
from graph.soundness import check_published
from graph.store import Address, Store, Transaction
from ingest.errors import BusyError, StoreError, UsageError
from ingest.progress import Report
from ingest.workspace import Workspace

Row = dict[str, object]
Tables = dict[str, list[Row]]

COUNTS = "MATCH (n) WHERE NOT n:Publication RETURN labels(n)[0] AS name, count(*) AS n"
KINDS = "MATCH ()-[r]->() RETURN type(r) AS name, count(*) AS n"
EMPTY = "MATCH (n) DETACH DELETE n"
HOSTILE = (
    "` DETACH DELETE n //",
    "A\\u0060) RETURN 'INJECTED' AS r //",
    "'}) CREATE (:Owned {id: 1}) //",
    "\u202e\u200b\ufeff <img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "nul\x00in\x1b[31mside",
    "x" * 100_000,
    "{}[]$run ${row[0]} %s %(id)s",
)


class World(Protocol):
    """A workspace and what may be derived in it, see `conftest.py`."""

    @property
    def workspace(self) -> Workspace: ...

    def first(self) -> Snapshot: ...

    def later(self) -> Snapshot: ...

    def of(self, given: Tables) -> Snapshot: ...


class CutError(Exception):
    """Stands for whatever ends a publisher in the middle."""


def told(store: Store, text: str) -> dict[object, object]:
    return {row["name"]: row["n"] for row in store.run(text)}


def afresh(workspace: Workspace, snapshot: Snapshot, store: Store) -> str:
    """The hash of the snapshot published into an emptied database."""
    store.run(EMPTY, write=True)
    assert publish(workspace, snapshot, store).mode == "create"
    return graph_hash(store)


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


def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "BATCH", 7)
    monkeypatch.setattr(run, "BATCH", 7)


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("later", [False, True], ids=["first load", "change"])
def test_cut_short_it_goes_on_where_it_stopped(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch, at: int, later: bool
) -> None:
    _small_batches(monkeypatch)
    if later:
        publish(world.workspace, world.first(), store)
    snapshot = world.later()
    with monkeypatch.context() as patch:
        patch.setattr(run, "_write_batch", _cut_at(at, before=at % 2 == 0))
        with pytest.raises(CutError):
            publish(world.workspace, snapshot, store)
    publish(world.workspace, snapshot, store)
    mended = graph_hash(store)
    assert mended == afresh(world.workspace, snapshot, store)


def _cut_at(at: int, *, before: bool) -> Callable[..., None]:
    """`run._write_batch` that ends at the batch `at`, before or after it is written."""
    whole = run._write_batch

    def cut(store: Store, todo: note.Note, batch: int, *rest: object) -> None:
        if batch == at and before:
            raise CutError
        whole(store, todo, batch, *rest)  # type: ignore[arg-type]
        if batch == at:
            raise CutError

    return cut


def test_a_batch_whose_answer_was_lost_is_written_once(
    store: Store, world: World
) -> None:
    staged = stage.stage(world.workspace, world.first())
    todo = note.Note(staged.digest, "", "create", 1)
    note.begin(store, todo)
    step = next(steps.write_all(staged, new=True))
    with run.open_reader() as reader:
        rows = next(run.batches(reader, step))
    for _ in range(2):
        run._write_batch(store, todo, 0, step, rows)
    assert told(store, COUNTS) == {"Account": len(rows)}


def test_another_publisher_in_between_is_noticed(store: Store, world: World) -> None:
    todo = note.Note("digest", "", "create", 1)
    note.begin(store, note.Note("other", "", "create", 2))

    def work(transaction: Transaction) -> bool:
        return note.advance(transaction, todo, 0)

    with pytest.raises(StoreError, match="another workspace publishes"):
        store.transact(work)


def test_one_publisher_at_a_time(world: World, embedded_store: Store) -> None:
    with world.workspace.lock("publish"), pytest.raises(BusyError):
        publish(world.workspace, world.first(), embedded_store)


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
    publish(world.workspace, world.of(_soaked(tables, text)), store)
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


def _soaked(tables: Tables, text: str) -> Tables:
    """Every id and every free text of the tables starts with `text`."""
    ids = {"account_id", "identifier", "invited_by", "tenant_id", "key_id"}
    free = {"plan", "masked", "class", "domain", "summary", "typology", "culprit"}

    def soak(row: Row) -> Row:
        soaked = {**row}
        for name in ids & set(row):
            soaked[name] = None if row[name] is None else f"{text}{row[name]}"
        for name in free & set(row):
            soaked[name] = text
        return soaked

    return {name: [soak(row) for row in rows] for name, rows in tables.items()}


@pytest.mark.neo4j
def test_both_databases_hold_the_same_graph(
    world: World, embedded_store: Store, neo4j_store: Store
) -> None:
    snapshot = world.first()
    embedded = afresh(world.workspace, snapshot, embedded_store)
    assert afresh(world.workspace, snapshot, neo4j_store) == embedded


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
    assert len(set(hashes)) == len(hashes)


_PUBLISHER = """
import sys, time
from pathlib import Path
from graph.derived import Snapshot
from graph.publish import publish, run, stage
from graph.store import Address, Store
from ingest.workspace import Workspace
stage.BATCH = run.BATCH = 7
workspace = Workspace.open(Path(sys.argv[1]))
with Store(workspace, Address(*sys.argv[2:6])) as store:
    publish(workspace, Snapshot.current(workspace), store)
"""


def _publisher(workspace: Workspace, address: Address) -> subprocess.Popen[bytes]:
    given = (address.uri, address.user, str(address.password), address.database)
    room = str(Path(__file__).parents[3])
    return subprocess.Popen(
        [sys.executable, "-c", _PUBLISHER, str(workspace.root), *given],
        env=os.environ | {"PYTHONPATH": room},
    )


def _kill_after(store: Store, publisher: subprocess.Popen[bytes], batches: int) -> None:
    for _ in itertools.count():
        known = note.read(store)
        if (known and (sum(known.written) >= batches or known.done)) or (
            publisher.poll() is not None
        ):
            break
        time.sleep(0.01)
    publisher.send_signal(signal.SIGKILL)
    publisher.wait()


def test_killed_it_ends_with_the_same_graph(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_batches(monkeypatch)
    snapshot = world.first()
    _kill_after(store, _publisher(world.workspace, store.address), batches=9)
    cut = note.read(store)
    assert cut is not None
    assert not cut.done
    publish(world.workspace, snapshot, store)
    mended = graph_hash(store)
    assert mended == afresh(world.workspace, snapshot, store)


@pytest.mark.torture
def test_killed_at_many_points(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_batches(monkeypatch)
    wanted = afresh(world.workspace, world.later(), store)
    for batches in range(0, 50, 2):
        store.run(EMPTY, write=True)
        publish(world.workspace, world.first(), store)
        snapshot = world.later()
        _kill_after(store, _publisher(world.workspace, store.address), batches)
        publish(world.workspace, snapshot, store)
        assert graph_hash(store) == wanted


def test_staged_folders_do_not_pile_up(world: World, tables: Tables) -> None:
    for hours in range(6):
        tables["accounts"][0]["last_seen"] = datetime(2026, 4, 1) + timedelta(  # noqa: DTZ001
            hours=hours
        )
        stage.stage(world.workspace, world.of(tables))
    assert len(list((world.workspace.database / "staged").iterdir())) == 3


def _own_neo4j(workspace: Workspace) -> Store:
    uri, secret = neo4j_local.bolt_uri(workspace), neo4j_local.known_password(workspace)
    return Store(workspace, Address(uri, "neo4j", secret, "neo4j"))


@pytest.mark.neo4j
def test_the_importer_leaves_the_same_graph_as_the_driver(
    world: World, tables: Tables, quick_java: None
) -> None:
    workspace = world.workspace
    snapshot = world.of(_soaked(tables, HOSTILE[3] + ' ";,\\\n\x1f'))
    try:
        assert publish_offline(workspace, snapshot).mode == "import"
        with _own_neo4j(workspace) as own:
            wanted = staged_hash(stage.stage(workspace, snapshot))
            assert graph_hash(own) == wanted
            assert publish(workspace, snapshot, own).mode == "nothing"
            later = world.later()
            assert publish(workspace, later, own).mode == "change"
            assert graph_hash(own) == staged_hash(stage.stage(workspace, later))
        with pytest.raises(StoreError, match="holds a graph already"):
            publish_offline(workspace, snapshot)
    finally:
        neo4j_local.stop(workspace)


def test_the_importer_is_for_our_own_server(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://db.example:7687")
    with pytest.raises(UsageError, match="NEO4J_URI names another server"):
        publish_offline(world.workspace, world.first())
