"""What detection sees: codes behave as the texts that they stand for."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from graph.seen import frame, look
from ingest.ledger import Ledger
from ingest.reference import prices
from ingest.workspace import Workspace
from tests.graph.worlds import Event

_BY_KEY: list[Event] = [
    {
        "event_id": f"use-{number}",
        "type": "usage.recorded",
        "occurred_at": f"2026-03-02T{number % 24:02d}:00:00Z",
        "key_id": f"k{number % 3}",
        "ip": f"10.0.0.{number % 7}",
        "model": "m",
        "cost_usd": 0.5,
    }
    for number in range(40)
]
_KEYS: list[Event] = [
    {
        "event_id": f"key-{number}",
        "type": "key.created",
        "occurred_at": "2026-03-03T00:00:00Z",
        "account_id": f"a{number}",
        "key_id": f"k{number}",
        "tenant_id": "t",
    }
    for number in range(3)
]


_HASHING = "SELECT current_setting('disabled_optimizers')"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return _look(tmp_path_factory.mktemp("seen"))


def _look(folder: Path) -> duckdb.DuckDBPyConnection:
    lines = folder / "events.ndjson"
    lines.write_text("".join(json.dumps(one) + "\n" for one in [*_BY_KEY, *_KEYS]))
    ledger = Ledger.open(Workspace.open(folder / "workspace"))
    ledger.ingest([lines])
    connection = ledger.connect()
    look(connection, datetime(2026, 3, 3), prices())  # noqa: DTZ001 - naive UTC
    return connection


def test_no_query_is_planned_by_hashing_codes(seen: duckdb.DuckDBPyConnection) -> None:
    assert seen.execute(_HASHING).fetchall() == [("common_subplan",)]


def test_a_duckdb_without_that_optimizer_does_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.seen._HASHING", "an optimizer of another release")
    connection = _look(tmp_path)
    assert connection.execute(_HASHING).fetchall() == [("",)]
    assert len(connection.table("usage")) == len(_BY_KEY)


def test_requests_by_key_alone_are_the_owners(seen: duckdb.DuckDBPyConnection) -> None:
    used = frame(
        seen,
        "SELECT account_id, any_value(tenant_id) AS tenant_id, count(*) AS requests, "
        "count(named_account_id) AS named FROM usage GROUP BY account_id ORDER BY 1",
    )
    assert used["account_id"].tolist() == ["a0", "a1", "a2"]
    assert used["tenant_id"].tolist() == ["t"] * 3
    assert used["requests"].tolist() == [14, 13, 13]
    assert used["named"].tolist() == [0, 0, 0]


def test_frame_gives_texts_in_the_order_asked_for(
    seen: duckdb.DuckDBPyConnection,
) -> None:
    rows = frame(seen, "SELECT ip, occurred_at FROM usage ORDER BY ip DESC, 2")
    texts = seen.execute(
        "SELECT ip::VARCHAR FROM usage ORDER BY ip::VARCHAR DESC, occurred_at"
    ).fetchall()
    assert rows["ip"].dtype != "category"
    assert rows["ip"].tolist() == [text for (text,) in texts]
    assert rows["occurred_at"].max() == datetime(2026, 3, 2, 23)  # noqa: DTZ001


def test_the_least_code_is_the_least_text(seen: duckdb.DuckDBPyConnection) -> None:
    least, greatest = seen.execute(
        "SELECT min(ip)::VARCHAR = min(ip::VARCHAR), "
        "max(ip)::VARCHAR = max(ip::VARCHAR) FROM usage"
    ).fetchall()[0]
    assert least
    assert greatest
