"""What a person decides enters the ledger once and overrides the machine."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from graph.access import Person
from graph.acts import Act, Subject
from graph.cases import Cases
from graph.decisions import hand_over
from graph.derived import Snapshot
from graph.detect import detect
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.workspace import Workspace

LATER = datetime.fromisoformat("2027-01-01T00:00")
BAN = Act(
    case_id="account:a",
    version=0,
    verdict="ban",
    reason="disposable_signup",
    subjects=(Subject("account", "a"),),
    snapshot="s-1",
)


def _workspace(folder: Path) -> Workspace:
    lines = folder / "events.ndjson"
    lines.write_text(
        '{"event_id": "1", "type": "account.created", "account_id": "a",'
        ' "occurred_at": "2026-03-01T00:00:00Z"}\n'
    )
    workspace = Workspace.open(folder / "workspace")
    Ledger.open(workspace).ingest([lines])
    return workspace


def _score(workspace: Workspace) -> tuple[float, str]:
    connection = Snapshot.current(workspace).connect()
    query = "SELECT score, action FROM accounts WHERE account_id = 'a'"
    score, action = connection.execute(query).fetchall()[0]
    return score, action


def test_nothing_decided_is_nothing_handed_over(tmp_path: Path) -> None:
    assert hand_over(_workspace(tmp_path)) is None


def test_a_ban_teaches_the_next_run_and_is_taken_once(tmp_path: Path) -> None:
    workspace = _workspace(tmp_path)
    detect(workspace)
    assert _score(workspace)[1] == "none"
    cases = Cases.open(workspace, Pepper.load().secret)
    cases.decide(BAN, Person("ana", frozenset({"investigator"})), LATER)
    cases.close()
    first, again = hand_over(workspace), hand_over(workspace)
    assert first is not None
    assert again is not None
    assert (first.accepted, again.accepted, again.duplicate) == (1, 0, 1)
    detect(workspace)
    score, action = _score(workspace)
    assert action == "ban"
    assert score > 0.99
