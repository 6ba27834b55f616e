"""Every file of `queries/`: its header, its rows, the same rows on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from graph.catalogue import Query, catalogue, parse
from graph.model import NODES, RELATIONSHIPS
from graph.store import Store
from ingest.errors import UsageError

Fill = Callable[[Store], Store]
QUERIES = catalogue()
# Values that make each query find something in the made snapshot.
GIVEN: dict[str, object] = {
    "account": "farm-0",
    "from_account": "farm-0",
    "to_account": "ring-1",
    "cluster": "c-farm",
    "ip": "ip-farm",
    "device": "d-2",
    "card": "card-1",
    "identifier": "prompt:p-1",
    "key": "k-1",
    "tenant": "t-lab",
    "domain": "trash.example",
    "since": "2026-04-11T12:00:00Z",
}
SPECIAL: dict[str, dict[str, object]] = {
    "ip_hubs": {"accounts": 6},
    "device_hubs": {"accounts": 4},
}
HEAD = "// summary: s\n// columns: a\n"


def arguments(query: Query) -> dict[str, object]:
    named = {p.name: GIVEN[p.name] for p in query.parameters if p.name in GIVEN}
    return named | SPECIAL.get(query.name, {})


@pytest.fixture(params=sorted(QUERIES))
def query(request: pytest.FixtureRequest) -> Query:
    return QUERIES[str(request.param)]


def test_a_query_finds_what_it_is_for(
    query: Query, embedded_store: Store, fill: Fill
) -> None:
    rows = query.run(fill(embedded_store), **arguments(query))
    assert rows
    assert tuple(rows[0]) == query.columns


@pytest.mark.neo4j
def test_both_databases_give_the_same_rows(
    query: Query, embedded_store: Store, neo4j_store: Store, fill: Fill
) -> None:
    given = arguments(query)
    on_neo4j = query.run(fill(neo4j_store), **given)
    assert on_neo4j == query.run(fill(embedded_store), **given)


def test_a_query_sorts_and_asks_by_parameter_alone(query: Query) -> None:
    used = set(re.findall(r"\$(\w+)", query.text))
    assert used == {parameter.name for parameter in query.parameters}
    assert "ORDER BY" in query.text
    assert query.summary.endswith(".")


def test_a_query_names_only_what_the_model_declares(query: Query) -> None:
    labels = {node.label for node in NODES} | {"Publication"}
    types = {kind.type for kind in RELATIONSHIPS}
    assert set(re.findall(r"\(\w*:(\w+)", query.text)) <= labels
    chains = re.findall(r"\[\w*:([A-Z_|]+)", query.text)
    assert {name for chain in chains for name in chain.split("|")} <= types


def test_reading_queries_do_not_write(query: Query) -> None:
    assert not re.search(r"\b(CREATE|MERGE|SET|DELETE|REMOVE)\b", query.text)


def test_hub_limit_leaves_a_shared_address_out(
    embedded_store: Store, fill: Fill
) -> None:
    find = QUERIES["neighbours"]
    near = find.run(fill(embedded_store), account="farm-0", hub_limit="6")
    wide = find.run(embedded_store, account="farm-0", hub_limit=50)
    assert {row["account"] for row in wide} - {row["account"] for row in near} == {
        "honest-0", "honest-1", "honest-2", "honest-3", "honest-4", "honest-5",
        "lone-0", "farm-4", "farm-5",
    }  # fmt: skip


def test_a_path_goes_round_a_hub(store: Store, fill: Fill) -> None:
    ends = {"from_account": "farm-0", "to_account": "farm-5"}
    straight = QUERIES["path_between_accounts"].run(fill(store), **ends)
    assert [row["ids"] for row in straight] == [["farm-0", "ip-farm", "farm-5"]]
    assert straight[0]["busiest"] == 7
    round_it = QUERIES["path_round_hubs"].run(store, **ends, hub_limit=6)
    assert [row["ids"] for row in round_it] == [
        ["farm-0", "card-1", "farm-2", "d-2", "farm-5"],
        ["farm-0", "d-1", "farm-2", "d-2", "farm-5"],
        ["farm-0", "d-1", "farm-3", "d-2", "farm-5"],
        ["farm-0", "prompt:p-1", "farm-2", "d-2", "farm-5"],
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs since"),
        ({"since": "yesterday"}, "type datetime"),
        ({"since": "2026-04-11T12:00:00"}, "type datetime"),
        ({"since": datetime(2026, 4, 11)}, "offset"),  # noqa: DTZ001
        ({"since": GIVEN["since"], "accounts": "many"}, "type integer"),
        ({"since": GIVEN["since"], "until": "now"}, "no parameter 'until'"),
    ],
)
def test_a_bad_call_is_refused(given: dict[str, object], said: str) -> None:
    values = QUERIES["new_identifiers"]._values
    with pytest.raises(UsageError, match=said):
        values(given)


def test_text_of_a_command_line_becomes_the_declared_type() -> None:
    values = QUERIES["new_identifiers"]._values(
        {"since": "2026-04-11T14:00:00+02:00", "accounts": "3"}
    )
    assert values == {
        "since": datetime(2026, 4, 11, 12, tzinfo=UTC),
        "accounts": 3,
        "limit": 200,
    }


@pytest.mark.parametrize(
    "text",
    [
        "// columns: a\nRETURN 1",
        "// summary: s\nRETURN 1",
        HEAD + "// returns: b\nRETURN 1",
        HEAD + "// parameter: n number — n\nRETURN 1",
        HEAD + "// parameter: n\nRETURN 1",
    ],
)
def test_an_odd_header_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"queries/odd\.cypher"):
        parse("odd", text)
