"""The contract's tables: columns, shapes, order, and the same bytes twice."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import pytest

from graph.exports.tables import EXPORTS, write_table
from ingest.errors import UsageError
from ingest.workspace import Workspace
from tests.graph.exports.world import snapshot_of, world

ENDINGS = ("csv", "jsonl", "ndjson", "parquet")


def rows_of(out: Path) -> list[dict[str, object]]:
    if out.suffix == ".csv":
        return list(csv.DictReader(out.read_text().splitlines()))
    if out.suffix == ".parquet":
        relation = duckdb.read_parquet(str(out))
        return [
            dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()
        ]
    return [json.loads(line) for line in out.read_text().splitlines()]


def written(tmp_path: Path, name: str, ending: str) -> list[dict[str, object]]:
    snapshot = snapshot_of(Workspace.open(tmp_path / "w"), world())
    out = tmp_path / f"{name}.{ending}"
    write_table(snapshot, name, out)
    return rows_of(out)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", EXPORTS)
def test_columns_are_the_contracts_and_rows_sorted_by_id(
    tmp_path: Path, name: str, ending: str
) -> None:
    rows = written(tmp_path, name, ending)
    assert [list(row) for row in rows] == [list(EXPORTS[name])] * len(rows)
    ids = [str(row[next(iter(EXPORTS[name]))]) for row in rows]
    assert ids == sorted(ids)
    assert len(ids) == len(world()[name])


def test_columns_stand_in_the_contracts_order() -> None:
    assert {name: " ".join(columns) for name, columns in EXPORTS.items()} == {
        "accounts": "account_id cluster_id typology score action cost_usd reasons role",
        "clusters": "cluster_id typology score accounts cost_usd first_seen last_seen "
        "evidence frameworks action",
        "keys": "key_id account_id typology score action exposed_at first_abuse_at "
        "latency_seconds cost_usd reasons",
        "tenants": "tenant_id score action culprit_type culprit cost_usd reasons",
    }


def test_csv_prints_times_in_utc_and_rounds(tmp_path: Path) -> None:
    key = written(tmp_path, "keys", "csv")[0]
    assert key["exposed_at"] == "2026-05-01T10:00:00.000000Z"
    assert key["cost_usd"] == "480.123457"
    assert key["reasons"] == '["used_after_exposure"]'
    quiet = written(tmp_path, "keys", "csv")[1]
    assert quiet["exposed_at"] == quiet["latency_seconds"] == quiet["typology"] == ""


def test_json_lines_hold_arrays_numbers_and_nulls(tmp_path: Path) -> None:
    key, quiet = written(tmp_path, "keys", "jsonl")
    assert key["reasons"] == ["used_after_exposure"]
    assert key["latency_seconds"] == 300.0
    assert quiet["exposed_at"] is None
    assert quiet["typology"] == ""


def test_parquet_times_know_that_they_are_utc(tmp_path: Path) -> None:
    written(tmp_path, "keys", "parquet")
    relation = duckdb.read_parquet(str(tmp_path / "keys.parquet"))
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    assert types["exposed_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["score"] == "DOUBLE"


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_snapshot_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    snapshot = snapshot_of(Workspace.open(tmp_path / "w"), world())
    first, second = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
    for out in (first, second, second):
        write_table(snapshot, "accounts", out)
    assert first.read_bytes() == second.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"w", first.name, second.name}


def test_the_file_is_private(tmp_path: Path) -> None:
    written(tmp_path, "accounts", "csv")
    assert (tmp_path / "accounts.csv").stat().st_mode & 0o777 == 0o600


def test_an_empty_snapshot_gives_the_header(tmp_path: Path) -> None:
    snapshot = snapshot_of(Workspace.open(tmp_path / "w"), {})
    out = tmp_path / "tenants.csv"
    write_table(snapshot, "tenants", out)
    assert out.read_text() == ",".join(EXPORTS["tenants"]) + "\n"


@pytest.mark.parametrize("name", ["accounts.txt", "accounts", "gone/accounts.csv"])
def test_a_place_or_ending_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    snapshot = snapshot_of(Workspace.open(tmp_path / "w"), world())
    with pytest.raises(UsageError, match="accounts"):
        write_table(snapshot, "accounts", tmp_path / name)


def test_an_unknown_export_is_refused(tmp_path: Path) -> None:
    snapshot = snapshot_of(Workspace.open(tmp_path / "w"), world())
    with pytest.raises(UsageError, match="choose from accounts"):
        write_table(snapshot, "people", tmp_path / "people.csv")
