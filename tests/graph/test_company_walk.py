"""Four systems' own records to lists that the targets take: the whole way at once.

A farm, a stolen card and a leaked key, as Auth0, LiteLLM, Stripe and GitHub log them,
meet in one graph, are found, decided on by a person, and leave as files.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
import stix2

from graph.access import Person
from graph.acts import Act, Subject
from graph.cases import Cases
from graph.derived import Snapshot
from graph.detect import detect
from graph.exports import export_bans
from graph.exports.asking import request_of
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.workspace import Workspace
from tests.ingest.sources import company

NOW = datetime.fromisoformat("2025-04-01T12:00")
APPROVER = Person("ana", frozenset({"investigator", "approver"}))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("company")
    records = folder / "records"
    records.mkdir()
    company.write(records)
    opened = Workspace.open(folder / "workspace")
    counts = Ledger.open(opened).ingest([records])
    assert counts.quarantined == 0
    detect(opened)
    _decide(opened)
    return opened


def _found(workspace: Workspace, query: str) -> list[tuple[object, ...]]:
    return Snapshot.current(workspace).connect().execute(query).fetchall()


def _decide(workspace: Workspace) -> None:
    accounts = _found(
        workspace, "SELECT account_id FROM accounts WHERE action <> 'none' ORDER BY 1"
    )
    keys = _found(workspace, "SELECT key_id FROM keys WHERE action = 'revoke'")
    cases = Cases.open(workspace, Pepper.load().secret)
    snapshot = Snapshot.current(workspace).folder.name
    for case, verdict, kind, rows in (
        ("accounts", "ban", "account", accounts),
        ("keys", "revoke", "key", keys),
    ):
        subjects = tuple(Subject(kind, str(row[0])) for row in rows)
        act = Act(case, 0, verdict, "disposable_signup", subjects, snapshot)
        assert not cases.decide(act, APPROVER, NOW).waits
    cases.close()


def _export(workspace: Workspace, name: str, out: Path) -> list[Path]:
    cases = Cases.open(workspace, Pepper.load().secret)
    try:
        request = request_of(cases, Ledger.open(workspace), APPROVER, NOW)
        return list(export_bans(workspace, name, out, NOW, request))
    finally:
        cases.close()


def test_the_three_are_found_and_nobody_else(workspace: Workspace) -> None:
    accounts = _found(
        workspace,
        "SELECT typology, count(*) FROM accounts WHERE action <> 'none' "
        "GROUP BY typology ORDER BY typology",
    )
    assert accounts == [("disposable_signup", 20), ("stolen_payment", 3)]
    keys = _found(workspace, "SELECT typology, action FROM keys WHERE typology <> ''")
    assert keys == [("cloud_key_exposure", "revoke")]
    honest = _found(
        workspace,
        "SELECT count(*) FROM accounts WHERE account_id LIKE '%honest%' "
        "AND action <> 'none'",
    )
    assert honest == [(0,)]


def test_the_lists_are_what_their_targets_take(
    workspace: Workspace, tmp_path: Path
) -> None:
    bundle = _export(workspace, "stix", tmp_path / "bans.json")[0]
    parsed = stix2.parse(bundle.read_text(encoding="utf-8"))
    assert parsed.type == "bundle"
    listed = _export(workspace, "csv", tmp_path / "bans.csv")[0]
    assert len(listed.read_text(encoding="utf-8").splitlines()) == 1 + 24
    for name in ("auth0", "litellm", "jsonl"):
        written = _export(workspace, name, tmp_path / f"{name}.jsonl")
        assert all(path.exists() for path in written)
        assert all(json.loads(line) for line in written[0].read_text().splitlines())
