"""Who may ask, and what the audit says of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from graph.access import AccessError, Person
from graph.acts import Act, Subject
from graph.cases import Cases
from graph.exports import export_bans
from graph.exports.asking import local_request, request_of
from ingest.workspace import Workspace
from tests.graph.exports.world import NOON, READABLE, snapshot_of, world

ANA = Person("ana", frozenset({"investigator"}))


@dataclass(frozen=True)
class Vault:
    """The one thing that an export asks of the ledger."""

    reveal: Callable[[str, str], str | None] = lambda _, name: READABLE.get(name)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("RINGFENCE_PEPPER", "a pepper of enough length")
    workspace = Workspace.open(tmp_path / "w")
    snapshot_of(workspace, world())
    return workspace


@pytest.fixture
def cases(workspace: Workspace) -> Iterator[Cases]:
    opened = Cases.open(workspace, b"a pepper of enough length")
    act = Act(
        case_id="c1",
        version=0,
        verdict="ban",
        reason="disposable_signup",
        subjects=(Subject("account", "acct-1"), Subject("account", "acct-2")),
        snapshot="s-1",
    )
    opened.decide(act, ANA, NOON)
    yield opened
    opened.close()


def entries(cases: Cases) -> list[tuple[str, str, dict[str, object]]]:
    with cases.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT action, subject, detail FROM audit ORDER BY seq"
        ).all()
    return [(action, subject, json.loads(detail)) for action, subject, detail in rows]


def test_reveals_and_the_export_enter_the_audit_without_values(
    workspace: Workspace, cases: Cases, tmp_path: Path
) -> None:
    vault = Vault()
    request = request_of(cases, vault, ANA, NOON)
    export_bans(workspace, "aws-waf", tmp_path / "bans.json", NOON, request)
    _, revealed, exported = entries(cases)
    assert revealed == ("reveal", "ip", {"values": 3, "why": "export"})
    assert exported[:2] == ("export", "aws-waf")
    assert exported[2]["decisions"] == 2
    assert "203.0.113.7" not in str(entries(cases))
    assert cases.verify() == []


def test_who_may_not_export_gets_nothing(cases: Cases) -> None:
    viewer = Person("vic", frozenset({"viewer"}))
    with pytest.raises(AccessError, match="vic"):
        request_of(cases, Vault(), viewer, NOON)


@pytest.mark.usefixtures("cases")
def test_without_a_request_the_person_at_the_machine_asks(
    workspace: Workspace, tmp_path: Path
) -> None:
    out = export_bans(workspace, "csv", tmp_path / "bans.csv", NOON)[0]
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(row["subject_id"], row["approver"]) for row in rows] == [
        ("acct-1", "ana"),
        ("acct-2", "ana"),
    ]


@pytest.mark.usefixtures("cases")
def test_the_role_file_says_who_sits_here(workspace: Workspace) -> None:
    (workspace.root / "roles.toml").write_text(
        '[local]\nname = "olga"\nroles = ["analyst"]\n'
    )
    with (
        pytest.raises(AccessError, match="olga"),
        local_request(workspace, NOON),
    ):
        pass


def test_the_audit_is_written_before_the_vault_is_opened(cases: Cases) -> None:
    def gone(*_: str) -> str | None:
        raise RuntimeError("the vault is gone")

    request = request_of(cases, Vault(gone), ANA, NOON)
    with pytest.raises(RuntimeError):
        request.reveal("email", ["mail-1"])
    assert [action for action, _, _ in entries(cases)][-1] == "reveal"
