"""A rotation changes every hash and no verdict, cluster or audit entry."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from graph.access import Person
from graph.acts import Act, Subject
from graph.audit import Entry
from graph.cases import Cases
from graph.derived import Snapshot
from graph.detect import detect
from graph.rotation import rotate
from graph.soundness import check_cases
from ingest.errors import LedgerError
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.workspace import Workspace

ANA = Person("ana", frozenset({"investigator"}))
NOON = datetime.fromisoformat("2026-06-02T12:00")


def _ring(folder: Path) -> Path:
    lines: list[dict[str, object]] = []
    for n in range(8):
        who: dict[str, object] = {
            "account_id": f"ring-{n}",
            "occurred_at": f"2026-05-0{n + 1}T00:00:00Z",
        }
        shared = {"device_id": f"device-number-{n // 4}", "ip": "198.51.100.7"}
        lines += [
            {"type": "account.created", **who, **shared, "email": f"u{n}@mail.example"},
            {"type": "credit.granted", **who, "amount_usd": 5, "reason": "trial"},
            {"type": "usage.recorded", **who, "cost_usd": 5, "paid_by": "credit",
             "device_id": f"device-number-{(n + 1) // 4}"},
        ]  # fmt: skip
    texts = [json.dumps({"event_id": f"e{n}", **one}) for n, one in enumerate(lines)]
    path = folder / "ring.ndjson"
    path.write_text("\n".join(texts))
    return path


def _judged(workspace: Workspace) -> list[tuple[object, ...]]:
    with detect(workspace).connect() as connection:
        return connection.execute(
            "SELECT account_id, cluster_id, role, action, round(score, 9)"
            " FROM accounts ORDER BY account_id"
        ).fetchall()


def test_verdicts_and_links_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGFENCE_PEPPER", raising=False)
    monkeypatch.setenv("RINGFENCE_PEPPER_FILE", str(tmp_path / "pepper"))
    workspace = Workspace.open(tmp_path / "workspace")
    Ledger.open(workspace).ingest([_ring(tmp_path)])
    before = _judged(workspace)
    assert any(row[1] for row in before)
    assert rotate(workspace, ANA, NOON) == 1
    assert not (workspace.derived / "current.json").exists()
    assert _judged(workspace) == before
    assert rotate(workspace, ANA, NOON) == 2
    with pytest.raises(LedgerError, match="nothing has been detected"):
        Snapshot.current(workspace)


def test_the_audit_goes_on_under_the_newer_key(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Pepper.load().secret.decode()
    monkeypatch.setenv("RINGFENCE_PEPPER", first + "\na newer pepper for the audit")
    assert rotate(workspace, ANA, NOON) == 1
    assert [one.sound for one in check_cases(workspace)] == [True]
    # Who knows the old pepper alone can't go on with the chain.
    forger = Cases.open(workspace, first.encode())
    forger.record(Entry(NOON, "mallory", "export", "csv", {}), ANA)
    forger.close()
    assert any("was changed" in one.text for one in check_cases(workspace))


def test_a_cleared_identifier_stays_cleared(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Pepper.load()
    old = "ip:" + first.keyed("ip", "198.51.100.7")
    cases = Cases.open(workspace, first.secret)
    act = Act(
        f"identifier:{old}", 0, "clear", "shared_place", (Subject("identifier", old),),
        "s-1", expires_at=NOON + timedelta(days=9),
    )  # fmt: skip
    cases.decide(act, ANA, NOON)
    cases.close()
    secret = first.secret.decode() + "\na newer pepper for the audit"
    monkeypatch.setenv("RINGFENCE_PEPPER", secret)
    rotate(workspace, ANA, NOON)
    newest = Pepper.load()
    cases = Cases.open(workspace, newest.secret)
    standing = cases.approved(NOON).set_index("subject_id")
    assert cases.verify() == []
    cases.close()
    new = "ip:" + newest.keyed("ip", "198.51.100.7")
    kept = ["verdict", "reason", "expires_at"]
    assert list(standing.loc[new, kept]) == list(standing.loc[old, kept])
    # Nothing is carried over twice.
    assert len(standing[standing["subject_type"] == "identifier"]) == 2
