"""Deciding: rights, the second person, undo, conflicts, and what leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from graph import case_records
from graph.access import AccessError, Person, Right, RoleBook
from graph.acts import ALONE_LIMIT, Act, ApprovalError, ConflictError, Subject
from graph.cases import Cases
from ingest.errors import RingfenceError, UsageError
from ingest.workspace import Workspace

NOON = datetime.fromisoformat("2026-05-01T12:00")
ANA = Person("ana", frozenset({"investigator"}))
BEN = Person("ben", frozenset({"approver"}))


@pytest.fixture
def cases(tmp_path: Path) -> Iterator[Cases]:
    opened = Cases.open(Workspace.open(tmp_path), b"a pepper of the tests")
    yield opened
    opened.close()


def ban(*accounts: str, version: int = 0, paying: bool = False, **more: Any) -> Act:
    asked: dict[str, Any] = {
        "case_id": "c-1",
        "version": version,
        "verdict": "ban",
        "reason": "disposable_signup",
        "subjects": tuple(Subject("account", account, paying) for account in accounts),
        "snapshot": "s-1",
    }
    return Act(**(asked | more))


def in_force(cases: Cases, at: datetime = NOON) -> set[tuple[str, str]]:
    frame = cases.approved(at)
    return set(zip(frame["subject_id"], frame["verdict"], strict=True))


def state_of(cases: Cases, at: datetime = NOON) -> tuple[str, int, str]:
    with cases.reading() as connection:
        frame = case_records.states(connection, at)
    row = frame[frame["case_id"] == "c-1"].to_dict("records")[0]
    return row["status"], row["version"], row["assignee"]


def test_a_small_ban_takes_effect_and_names_who_and_why(cases: Cases) -> None:
    outcome = cases.decide(ban("a-1", "a-2"), ANA, NOON)
    assert not outcome.waits
    frame = cases.approved(NOON)
    assert set(frame["subject_id"]) == {"a-1", "a-2"}
    assert set(frame["approver"]) == {"ana"}
    assert not frame["second_approval"].any()
    assert state_of(cases) == ("decided", 1, "")


@pytest.mark.parametrize(
    "act",
    [
        ban("a-1", paying=True),
        ban(*(f"a-{n}" for n in range(ALONE_LIMIT + 1))),
    ],
)
def test_a_grave_ban_waits_for_a_second_person(cases: Cases, act: Act) -> None:
    outcome = cases.decide(act, ANA, NOON)
    assert outcome.waits
    assert in_force(cases) == set()
    assert state_of(cases)[0] == "waiting"
    cases.answer(outcome.batch_id, BEN, NOON, agree=True)
    frame = cases.approved(NOON)
    assert len(frame) == len(act.subjects)
    assert set(frame["approver"]) == {"ben"}
    assert frame["second_approval"].all()


def test_a_hold_needs_one_person_whatever_its_size(cases: Cases) -> None:
    act = ban(*(f"a-{n}" for n in range(99)), paying=True, verdict="hold")
    assert not cases.decide(act, ANA, NOON).waits


def test_small_batches_of_one_person_do_not_slip_past_the_limit(cases: Cases) -> None:
    half = [f"a-{n}" for n in range(ALONE_LIMIT)]
    assert not cases.decide(ban(*half), ANA, NOON).waits
    assert cases.decide(ban("b-1", version=1), ANA, NOON).waits


def test_nobody_approves_their_own_proposal(cases: Cases) -> None:
    outcome = cases.decide(ban("a-1", paying=True), BEN, NOON)
    with pytest.raises(ApprovalError, match="another person"):
        cases.answer(outcome.batch_id, BEN, NOON, agree=True)


def test_a_proposal_is_answered_once(cases: Cases) -> None:
    outcome = cases.decide(ban("a-1", paying=True), ANA, NOON)
    cases.answer(outcome.batch_id, BEN, NOON, agree=False)
    assert in_force(cases) == set()
    with pytest.raises(ApprovalError, match="already"):
        cases.answer(outcome.batch_id, BEN, NOON, agree=True)


def test_a_withdrawn_proposal_cannot_be_approved(cases: Cases) -> None:
    outcome = cases.decide(ban("a-1", paying=True), ANA, NOON)
    cases.undo(outcome.decision_ids, ANA, NOON, "wrong cluster")
    with pytest.raises(ApprovalError, match="withdrawn"):
        cases.answer(outcome.batch_id, BEN, NOON, agree=True)


def test_undo_lifts_some_and_keeps_the_record(cases: Cases) -> None:
    outcome = cases.decide(ban("a-1", "a-2"), ANA, NOON)
    first = outcome.decision_ids[0]
    cases.undo([first], BEN, NOON + timedelta(hours=1), "appeal")
    assert len(in_force(cases, NOON + timedelta(hours=2))) == 1
    with cases.reading() as connection:
        frame = case_records.decisions(connection, "c-1")
    assert sorted(frame["state"]) == ["in force", "undo", "undone"]
    with pytest.raises(ConflictError, match="already"):
        cases.undo([first], ANA, NOON, "again")


def test_two_people_never_overwrite_each_other(cases: Cases) -> None:
    cases.decide(ban("a-1"), ANA, NOON)
    with pytest.raises(ConflictError, match="reload"):
        cases.decide(ban("a-1", verdict="clear"), BEN, NOON)
    with pytest.raises(ConflictError):
        cases.assign({"c-0": 0, "c-1": 0}, "ben", BEN, NOON)
    assert state_of(cases) == ("decided", 1, "")


def test_several_verdicts_on_a_case_are_recorded_all_or_none(cases: Cases) -> None:
    acts = [ban("a-1"), ban("a-2", verdict="clear")]
    assert len(cases.decide_all(acts, ANA, NOON)) == 2
    assert in_force(cases) == {("a-1", "ban"), ("a-2", "clear")}
    broken = [ban("a-3", version=2), ban("a-4", version=7)]
    with pytest.raises(ConflictError):
        cases.decide_all(broken, ANA, NOON)
    assert len(in_force(cases)) == 2


def test_what_expired_is_no_longer_in_force(cases: Cases) -> None:
    until = NOON + timedelta(days=30)
    cases.decide(ban("a-1", expires_at=until), ANA, NOON)
    assert in_force(cases, until - timedelta(seconds=1)) == {("a-1", "ban")}
    assert in_force(cases, until) == set()
    assert state_of(cases, until)[0] == "in review"


def test_the_latest_verdict_on_a_subject_counts(cases: Cases) -> None:
    cases.decide(ban("a-1"), ANA, NOON)
    later = NOON + timedelta(hours=1)
    cases.decide(ban("a-1", version=1, verdict="clear"), ANA, later)
    assert in_force(cases, later) == {("a-1", "clear")}


def test_a_dismissed_cluster_comes_back_only_with_new_evidence(cases: Cases) -> None:
    cluster = (Subject("cluster", "c-1"),)
    act = ban(verdict="dismiss", subjects=cluster, evidence=("ip:x", "burst"))
    cases.decide(act, ANA, NOON)
    with cases.reading() as connection:
        row = case_records.states(connection, NOON).iloc[0]
    assert row["status"] == "dismissed"
    assert case_records.new_evidence(row["evidence"], ["burst"]) == []
    assert case_records.new_evidence(row["evidence"], ["burst", "card:y"]) == ["card:y"]


def test_notes_and_assignments_put_a_case_in_review(cases: Cases) -> None:
    cases.note("c-1", "looks like a campus", ANA, NOON)
    assert state_of(cases) == ("in review", 0, "")
    cases.assign({"c-1": 0}, "ben", ANA, NOON)
    assert state_of(cases) == ("in review", 1, "ben")
    with pytest.raises(ValueError, match="empty"):
        cases.note("c-1", "  ", ANA, NOON)


def test_decisions_teach_as_events(cases: Cases) -> None:
    done = cases.decide(ban("a-1", "a-2"), ANA, NOON)
    cases.decide(ban("a-3", version=1, verdict="clear"), ANA, NOON)
    cases.decide(ban("a-4", version=2, verdict="hold"), ANA, NOON)
    waits = cases.decide(ban("a-5", version=3, paying=True), ANA, NOON)
    cases.undo(done.decision_ids[:1], ANA, NOON, "appeal")
    cases.undo(waits.decision_ids, ANA, NOON, "never mind")
    frame = cases.events()
    said = sorted(zip(frame["account_id"], frame["verdict"], strict=True))
    undone = said[[v for _, v in said].index("withdrawn")][0]
    expected = [("a-1", "abusive"), ("a-2", "abusive"), ("a-3", "legitimate")]
    assert said == sorted([*expected, (undone, "withdrawn")])
    assert frame["event_id"].is_unique
    assert set(frame["type"]) == {"account.reviewed"}


def test_rights_are_denied_unless_given(cases: Cases) -> None:
    viewer = Person("vic", frozenset({"viewer"}))
    with pytest.raises(AccessError, match="investigator"):
        cases.decide(ban("a-1"), viewer, NOON)
    outcome = cases.decide(ban("a-1", paying=True), ANA, NOON)
    with pytest.raises(AccessError):
        cases.answer(outcome.batch_id, ANA, NOON, agree=True)
    assert not any(Person("nobody").may(right) for right in Right)


def test_an_act_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="verdict"):
        ban("a-1", verdict="revoke")
    with pytest.raises(ValueError, match="about"):
        ban()
    with pytest.raises(ValueError, match="reason"):
        ban("a-1", reason="because")


def test_the_role_file_names_people_and_groups(tmp_path: Path) -> None:
    path = tmp_path / "roles.toml"
    assert RoleBook.read(path).local.may(Right.DECIDE)
    path.write_text(
        '[local]\nname = "ana"\nroles = ["viewer"]\n[groups]\nfraud = ["approver"]\n'
    )
    book = RoleBook.read(path)
    assert book.local == Person("ana", frozenset({"viewer"}))
    assert book.person("ben", ["fraud", "staff"]).may(Right.APPROVE)
    assert not book.person("cem", ["staff"]).may(Right.SEE)
    path.write_text('[groups]\nfraud = ["owner"]\n')
    with pytest.raises(UsageError, match="owner"):
        RoleBook.read(path)


def test_an_unreachable_case_file_says_so_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_CASES_URL", "sqlite:////nowhere/at/all.sqlite")
    with pytest.raises(RingfenceError, match="RINGFENCE_CASES_URL"):
        Cases.open(Workspace.open(tmp_path), b"a pepper of the tests")
