"""Floors of quality on a small fixed world: what must not get worse unnoticed."""

from __future__ import annotations

import pandas as pd
import pytest

from demo.world import World, make
from graph.ablations import ablate
from graph.derived import Snapshot
from graph.detect import Settings, detect
from graph.evaluate import evaluate, read_labels
from graph.evaluate_subjects import evaluate_keys, evaluate_tenants
from graph.rivals import beside_rivals
from graph.summary import CASES
from ingest.ledger import Ledger
from ingest.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.open(tmp_path_factory.mktemp("floors"))


@pytest.fixture(scope="module")
def judged(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> tuple[World, Snapshot]:
    folder = tmp_path_factory.mktemp("made")
    world = make(folder / "world", accounts=4000, seed=21, abusive_share=0.1)
    Ledger.open(workspace).ingest([folder / "world" / "events"])
    return world, detect(workspace)


def _values(table: pd.DataFrame) -> pd.Series[float]:
    return table.set_index("measure")["value"].astype(float)


def test_accounts(judged: tuple[World, Snapshot]) -> None:
    world, snapshot = judged
    tables = evaluate(snapshot, read_labels(world.labels)).tables
    summary = _values(tables["summary"])
    assert summary["precision of bans"] >= 0.99
    assert summary["precision of ban or review"] >= 0.9
    assert summary["recall of ban or review"] >= 0.8
    assert summary["framed victims banned"] == 0
    assert summary["expected calibration error"] <= 0.05
    recall = tables["recall by case and level"].set_index("level")["banned_or_review"]
    assert recall[["naive", "proxied", "reset"]].min() >= 0.9
    assert recall[["shared_card", "card_testing", "bin_run"]].min() >= 0.8


def test_the_rules_of_today_are_worse(judged: tuple[World, Snapshot]) -> None:
    world, snapshot = judged
    table = beside_rivals(snapshot.connect(), read_labels(world.labels))
    recall = table.set_index("method")["recall"].to_dict()
    precision = table.set_index("method")["precision"].to_dict()
    ours = recall.pop("Ringfence: ban or review")
    assert max(recall.values()) < ours
    assert 2 * precision["a rule per IP address"] < precision["Ringfence: ban"]


def test_leaving_evidence_out_costs_recall_and_keeps_the_snapshot(
    judged: tuple[World, Snapshot], workspace: Workspace
) -> None:
    world, snapshot = judged
    table = ablate(workspace, read_labels(world.labels), Settings())
    recall = table.set_index("evidence")["recall of bans"].to_dict()
    assert recall["without payment"] < recall["everything"]
    assert recall["without device"] < recall["everything"]
    assert Snapshot.current(workspace).folder == snapshot.folder


def test_keys_and_tenants(judged: tuple[World, Snapshot], workspace: Workspace) -> None:
    world, snapshot = judged
    keys = _values(evaluate_keys(snapshot, world.key_labels))
    assert keys["precision"] >= 0.8
    assert keys["recall"] >= 0.85
    tenants = _values(evaluate_tenants(snapshot, world.tenant_labels, workspace))
    assert tenants["precision"] >= 0.85
    assert tenants["recall with the right culprit"] >= 0.8


def test_all_five_cases_are_found_with_reasons(
    judged: tuple[World, Snapshot],
) -> None:
    connection = judged[1].connect()
    found = connection.execute(
        "SELECT typology, min(len(reasons)) FROM ("
        "SELECT typology, reasons FROM accounts UNION ALL "
        "SELECT typology, reasons FROM keys UNION ALL "
        "SELECT typology, reasons FROM tenants) WHERE typology <> '' GROUP BY typology"
    ).fetchall()
    assert {typology for typology, _ in found} == set(CASES)
    assert all(length > len("[]") for _, length in found)


def test_owners_of_replayed_keys_are_victims(judged: tuple[World, Snapshot]) -> None:
    rows = (
        judged[1]
        .connect()
        .execute(
            "SELECT count(*) FROM keys k JOIN accounts a USING (account_id) "
            "WHERE k.typology <> '' AND a.typology IN ('key_replay', "
            "'cloud_key_exposure')"
        )
        .fetchall()
    )
    assert rows == [(0,)]


def test_keys_of_one_crew_are_joined(judged: tuple[World, Snapshot]) -> None:
    crews = (
        judged[1]
        .connect()
        .execute(
            "SELECT crew_id, count(*), count(*) FILTER (typology = '') FROM keys "
            "WHERE crew_id <> '' GROUP BY crew_id"
        )
        .fetchall()
    )
    assert crews
    assert all(size >= 2 and innocent == 0 for _, size, innocent in crews)
