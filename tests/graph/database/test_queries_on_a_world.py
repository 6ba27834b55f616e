"""Every saved query over a demo world: the same rows on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.world import make
from graph.catalogue import Query, catalogue
from graph.detect import detect
from graph.publish import graph_hash, publish
from graph.store import Store
from ingest.ledger import Ledger
from ingest.workspace import Workspace

QUERIES = catalogue()
_EMPTY = "MATCH (n) DETACH DELETE n"
# What an investigator would ask about: the worst cluster and what hangs on it.
_SUBJECTS = {
    "cluster": "SELECT cluster_id FROM clusters ORDER BY action, cost_usd DESC LIMIT 1",
    "account": "SELECT account_id FROM accounts WHERE cluster_id <> '' "
    "ORDER BY score DESC, account_id LIMIT 1",
    "from_account": "SELECT min(account_id) FROM accounts WHERE role = 'core'",
    "to_account": "SELECT max(account_id) FROM accounts WHERE role = 'core'",
    "ip": "SELECT identifier FROM identifiers WHERE kind = 'ip' "
    "ORDER BY accounts DESC, identifier LIMIT 1",
    "device": "SELECT identifier FROM identifiers WHERE kind = 'device' "
    "ORDER BY accounts DESC, identifier LIMIT 1",
    "card": "SELECT identifier FROM identifiers WHERE kind = 'card' "
    "ORDER BY accounts DESC, identifier LIMIT 1",
    "identifier": "SELECT kind || ':' || identifier FROM identifiers "
    "WHERE kind = 'prompt' ORDER BY accounts DESC, identifier LIMIT 1",
    "key": "SELECT key_id FROM keys ORDER BY score DESC, key_id LIMIT 1",
    "tenant": "SELECT tenant_id FROM tenants ORDER BY score DESC, tenant_id LIMIT 1",
    "domain": "SELECT domain FROM identifiers WHERE domain IS NOT NULL "
    "GROUP BY domain ORDER BY count(*) DESC, domain LIMIT 1",
}


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory,
    embedded_store: Store,
    neo4j_store: Store,
) -> tuple[dict[str, object], Store, Store]:
    """A small world in both databases, and what to ask about."""
    folder: Path = tmp_path_factory.mktemp("asked")
    make(folder / "world", accounts=400, seed=5, abusive_share=0.15)
    workspace = Workspace.open(folder / "workspace")
    Ledger.open(workspace).ingest([folder / "world" / "events"])
    snapshot = detect(workspace)
    for store in (embedded_store, neo4j_store):
        store.run(_EMPTY, write=True)
        publish(workspace, snapshot, store, full=True)
    connection = snapshot.connect()
    given: dict[str, object] = {
        name: connection.execute(query).fetchall()[0][0]
        for name, query in _SUBJECTS.items()
    }
    given["since"] = "2026-04-01T00:00:00Z"
    return given, embedded_store, neo4j_store


@pytest.mark.neo4j
def test_both_hold_the_same_graph(
    published: tuple[dict[str, object], Store, Store],
) -> None:
    _, embedded, neo4j = published
    assert graph_hash(embedded) == graph_hash(neo4j)


@pytest.mark.neo4j
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_both_give_the_same_rows(
    query: Query, published: tuple[dict[str, object], Store, Store]
) -> None:
    given, embedded, neo4j = published
    named = {p.name: given[p.name] for p in query.parameters if p.name in given}
    assert query.run(neo4j, **named) == query.run(embedded, **named)
