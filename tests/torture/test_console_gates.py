"""The console on Neo4j: what reads passes, all else is denied; embedded denies all."""

from __future__ import annotations

import time

import pytest

from graph import console
from graph.console import RefusedError, ask
from graph.store import Store
from ingest.errors import StoreError
from tests.graph.database.test_console import ALLOWED, FORBIDDEN

MORE_ALLOWED = """\
MATCH (a:Account)-[:USED_DEVICE]->()<-[:USED_DEVICE]-(b) RETURN b.id AS id
MATCH (a:Account) RETURN a.id AS id ORDER BY a.score DESC LIMIT 3
MATCH (a:Account) WHERE a.id IN ['x', 'y'] RETURN a.id AS id
MATCH (a:Account) WHERE a.id CONTAINS 'x' OR a.id ENDS WITH 'y' RETURN a.id AS id
MATCH (a:Account) WHERE a.cost_usd IS NOT NULL RETURN sum(a.cost_usd) AS dollars
MATCH (a:Account) RETURN DISTINCT a.typology AS typology
MATCH (c:Cluster)<-[:IN_CLUSTER]-(a:Account) RETURN c.id AS id, count(*) AS n
MATCH (a:Account) WITH a LIMIT 5 MATCH (a)-[r]-() RETURN a.id AS id, count(r) AS n
MATCH p = (a:Account)-[*1..2]-(b:Account) RETURN length(p) AS l LIMIT 5
MATCH (a:Account) RETURN round(a.score * 100) / 100 AS score
MATCH (a:Account) RETURN coalesce(a.plan, 'none') AS plan
MATCH (a:Account) RETURN toUpper(a.id) AS id LIMIT 1
MATCH (a:Account) WHERE NOT EXISTS { MATCH (a)-[:PAID_WITH]->() } RETURN count(a) AS n
MATCH (a:Account) WHERE COUNT { (a)-[:USED_IP]->() } > 1 RETURN a.id AS id
MATCH ()-[r]->() RETURN type(r) AS name, count(*) AS n
MATCH (n) RETURN labels(n)[0] AS name, count(*) AS n
MATCH (a:Account) RETURN [x IN a.reasons WHERE x <> 'set'] AS reasons LIMIT 1
UNWIND ['delete', 'create'] AS word RETURN word
RETURN size('drop everything') AS n
MATCH (a:Account) WHERE a.first_seen > datetime() RETURN count(a) AS n
""".splitlines()

MORE_FORBIDDEN = """\
CREATE (:Account)
CREATE (a)-[:X]->(b)
MATCH (a), (b) CREATE (a)-[:X]->(b)
MERGE (a)-[:X]->(b)
MATCH (a) MERGE (a)-[:X]->(:B)
MATCH (a) SET a = {}
MATCH (a) SET a.x = 1, a.y = 2
MATCH (a)-[r]->() SET r.count = 0
MATCH (a)-[r]->() DELETE r
MATCH (a) REMOVE a:Account
MATCH (a) WITH a LIMIT 1 DETACH DELETE a
MATCH (a) CALL { WITH a SET a.x = 1 } RETURN a
MATCH (a) CALL (a) { SET a.x = 1 } RETURN a
CALL { CREATE (:X) } IN TRANSACTIONS
UNWIND [1] AS x CREATE (:X {x: x})
OPTIONAL MATCH (a) DELETE a
FOREACH (x IN [1] | CREATE (:X))
MATCH (a) FOREACH (b IN nodes(a) | DELETE b)
LOAD CSV WITH HEADERS FROM 'file:///etc/passwd' AS row RETURN row
LOAD CSV FROM 'https://evil.example/' AS row FIELDTERMINATOR ':' RETURN row
LOAD/**/CSV FROM 'file:///x' AS row RETURN row
load\tcsv from 'file:///x' as row return row
UNWIND ['file:///etc/shadow'] AS f LOAD CSV FROM f AS row RETURN row
CALL db.propertyKeys()
CALL db.relationshipTypes()
CALL db.info()
CALL db.indexes()
CALL db.clearQueryCaches()
CALL db.awaitIndexes()
CALL db.index.fulltext.queryNodes('x', 'y')
CALL db.create.setNodeVectorProperty(null, 'x', [1.0])
CALL dbms.listTransactions()
CALL dbms.queryJmx('*:*')
CALL dbms.setConfigValue('x', 'y')
CALL dbms.showCurrentUser()
CALL dbms.upgrade()
CALL dbms.cluster.routing.getRoutingTable({})
CALL jwt.security.requestAccess('x')
CALL apoc.export.csv.all('x', {})
CALL apoc.systemdb.graph()
CALL /* hidden */ db.labels()
CALL\tdb.labels()
call db.labels() yield label return label
MATCH (a) CALL db.labels() YIELD label RETURN label
RETURN apoc.load.jdbc('x')
RETURN genai.vector.encode('x', 'OpenAI', {})
RETURN db.nameFromElementId('x')
RETURN graph.names()
RETURN exists((:A)), vector.similarity.cosine([1.0], [1.0])
RETURN randomUUID()
SHOW CONSTRAINTS
SHOW ROLES
SHOW PRIVILEGES
SHOW SERVERS
SHOW CURRENT USER
SHOW TRANSACTION 'neo4j-transaction-1'
DROP USER neo4j
REVOKE ROLE admin FROM x
DENY READ {*} ON GRAPH * TO x
SET PASSWORD FROM 'x' TO 'y'
""".splitlines()

PASS = [*ALLOWED, *MORE_ALLOWED]
DENY = [*(text for text in FORBIDDEN if text != "MATCH (a)//x"), *MORE_FORBIDDEN]
_EMPTY = "MATCH (n) DETACH DELETE n"


def test_there_are_as_many_as_promised() -> None:
    assert len(set(PASS)) >= 40
    assert len(set(DENY)) >= 120


@pytest.mark.neo4j
def test_on_neo4j_each_passes_or_is_denied(neo4j_store: Store) -> None:
    neo4j_store.run(_EMPTY, write=True)
    neo4j_store.run("CREATE (:Account {id: 'x', score: 0.5})", write=True)
    for text in PASS:
        ask(neo4j_store, text)
    for text in DENY:
        with pytest.raises(RefusedError):
            ask(neo4j_store, text)
    left = neo4j_store.run("MATCH (n) RETURN count(n) AS n, max(n.score) AS score")
    assert left == [{"n": 1, "score": 0.5}]


def test_the_embedded_database_denies_all(embedded_store: Store) -> None:
    for text in (*PASS, *DENY):
        with pytest.raises(RefusedError, match="embedded"):
            ask(embedded_store, text)


@pytest.mark.neo4j
def test_a_question_that_takes_too_long_is_ended(
    neo4j_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SECONDS", 1.0)
    many = "UNWIND $n AS a UNWIND $n AS b UNWIND $n AS c UNWIND $n AS d"
    long = f"{many} WITH a, b, c, d WHERE a + b + c + d < 0 RETURN count(*) AS n"
    began = time.monotonic()
    with pytest.raises(StoreError):
        ask(neo4j_store, long, {"n": list(range(1000))})
    # A trillion rows would take days; a busy machine needs some seconds to end them.
    assert time.monotonic() - began < 120
