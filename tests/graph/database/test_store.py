"""The store on both databases: plain values, whole transactions, clear errors."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graph.store import Address, Store, StoreDownError, Transaction
from ingest.errors import StoreError
from ingest.workspace import Workspace


def test_values_come_back_plain(store: Store) -> None:
    store.run(
        "CREATE (:A {id: 1, at: $at})-[:R {n: 2.5}]->(:B {id: 'b'})",
        {"at": datetime(2026, 5, 1, 12, tzinfo=UTC)},
        write=True,
    )
    text = "MATCH (a:A)-[r:R]->() RETURN a, r, a.at AS at, [1, null] AS l"
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert store.run(text) == [
        {
            "a": {"labels": ["A"], "properties": {"at": at, "id": 1}},
            "r": {"type": "R", "properties": {"n": 2.5}},
            "at": at,
            "l": [1, None],
        }
    ]
    assert list(store.each(text)) == store.run(text)
    assert store.frame("UNWIND [1, 2] AS n RETURN n ORDER BY n")["n"].tolist() == [1, 2]


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def work(transaction: Transaction) -> None:
        transaction.run("CREATE (:A {id: 1})")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.transact(work)
    assert store.run("MATCH (a:A) RETURN count(a) AS n") == [{"n": 0}]


def test_a_refused_statement_is_told_on_one_line(store: Store) -> None:
    with pytest.raises(StoreError, match=r"refused a statement") as caught:
        store.run("MATC (n) RETURN n")
    assert "\n" not in str(caught.value)
    assert str(store.address.password) not in str(caught.value)


def test_a_wrong_password_is_told_apart(store: Store, tmp_path: Path) -> None:
    right = store.address
    wrong = Address(right.uri, right.user, "not-the-password", right.database)
    with pytest.raises(StoreError, match="refused the user") as caught:
        Store(Workspace.open(tmp_path), wrong)
    assert "not-the-password" not in str(caught.value)


def test_a_silent_server_is_told_apart(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = Address(f"bolt://127.0.0.1:{port}", "neo4j", "secret", "neo4j")
    with pytest.raises(StoreDownError, match=f"answers at 127.0.0.1:{port}: start it"):
        Store(Workspace.open(tmp_path), address)


def test_the_environment_names_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    assert Address.from_environment() is None
    monkeypatch.setenv("NEO4J_URI", "neo4j+s://graph.example")
    monkeypatch.setenv("NEO4J_USERNAME", "reader")
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    monkeypatch.setenv("NEO4J_DATABASE", "abuse")
    address = Address.from_environment()
    assert address == Address("neo4j+s://graph.example", "reader", "secret", "abuse")
    assert address is not None
    assert address.place == "graph.example:7687"


@pytest.mark.parametrize("uri", ["localhost", "http://127.0.0.1:7474", "file:///x"])
def test_an_address_that_is_not_bolt_is_refused(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("NEO4J_URI", uri)
    with pytest.raises(StoreError, match="write it as bolt://"):
        Address.from_environment()
