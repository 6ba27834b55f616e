"""Every right and act on a case for every role: what is not given is denied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from graph.access import RIGHTS, AccessError, Person, Right, RoleBook
from graph.acts import Act, Subject
from graph.cases import Cases
from ingest.errors import UsageError
from ingest.workspace import Workspace
from tests.torture.conftest import PEPPER

NOON = datetime.fromisoformat("2026-05-01T12:00")
ROLES = ("viewer", "investigator", "approver", "analyst", "admin")

# Written out by hand, apart from the product's own table. One letter a role, as above.
_MAY = {
    Right.SEE: "viaAd",
    Right.REVEAL: "ia",
    Right.NOTE: "ia",
    Right.DECIDE: "ia",
    Right.APPROVE: "a",
    Right.EXPORT: "ia",
    Right.QUERY: "iaAd",
    Right.CYPHER: "A",
    Right.AUDIT: "ad",
}
_LETTERS = dict(zip(ROLES, "viaAd", strict=True))


def _one(*roles: str) -> Person:
    return Person("someone", frozenset(roles))


def test_every_right_and_role_is_in_the_matrix() -> None:
    assert set(_MAY) == set(Right)
    assert set(RIGHTS) == set(ROLES)


@pytest.mark.parametrize("role", [*ROLES, ""])
@pytest.mark.parametrize("right", Right)
def test_each_right_for_each_role(right: Right, role: str) -> None:
    person = _one(role) if role else _one()
    expected = bool(role) and _LETTERS[role] in _MAY[right]
    assert person.may(right) is expected
    if not expected:
        with pytest.raises(AccessError, match="may not"):
            person.require(right)


@pytest.mark.parametrize("name", ["root", "Viewer", "viewer ", "", "*", "admin\x00"])
def test_an_unknown_role_is_refused_whole(name: str) -> None:
    with pytest.raises(UsageError, match="unknown"):
        _one("viewer", name)


@pytest.mark.parametrize("groups", [[], ["root"], ["Fraud"], ["fraud "], ["*"], [""]])
def test_an_unknown_group_gives_nothing(groups: list[str]) -> None:
    book = RoleBook(groups={"fraud": frozenset({"approver"})})
    assert not any(book.person("u", groups).may(right) for right in Right)


@pytest.fixture
def cases(tmp_path: Path) -> Iterator[Cases]:
    opened = Cases.open(Workspace.open(tmp_path), PEPPER.encode())
    yield opened
    opened.close()


def _act(case: str, *, waits: bool = False) -> Act:
    ids = range(51 if waits else 1)
    subjects = tuple(Subject("account", f"{case}-{n}") for n in ids)
    return Act(case, 0, "ban", "key_replay", subjects, "s")


ACTS: dict[str, tuple[Right, Callable[[Cases, Person, str, str], object]]] = {
    "decide": (Right.DECIDE, lambda c, p, *_: c.decide(_act("new"), p, NOON)),
    "undo": (Right.DECIDE, lambda c, p, d, _: c.undo([d], p, NOON, "why")),
    "answer": (Right.APPROVE, lambda c, p, _, b: c.answer(b, p, NOON, agree=True)),
    "note": (Right.NOTE, lambda c, p, *_: c.note("x", "text", p, NOON)),
    "assign": (Right.NOTE, lambda c, p, *_: c.assign({"x": 0}, "ben", p, NOON)),
    "save view": (Right.NOTE, lambda c, p, *_: c.save_view("x", "v", {}, p, NOON)),
}


@pytest.mark.parametrize("role", [*ROLES, ""])
@pytest.mark.parametrize("name", ACTS)
def test_each_act_on_a_case_for_each_role(cases: Cases, name: str, role: str) -> None:
    right, act = ACTS[name]
    proposer = Person("ana", frozenset({"investigator"}))
    decided = cases.decide(_act("c1"), proposer, NOON).decision_ids[0]
    waiting = cases.decide(_act("c2", waits=True), proposer, NOON).batch_id
    person = _one(role) if role else _one()
    if person.may(right):
        act(cases, person, decided, waiting)
    else:
        with pytest.raises(AccessError):
            act(cases, person, decided, waiting)
    assert cases.verify() == []


def test_nobody_answers_their_own_proposal(cases: Cases) -> None:
    both = Person("ana", frozenset({"investigator", "approver"}))
    waiting = cases.decide(_act("c", waits=True), both, NOON)
    with pytest.raises(Exception, match="another person"):
        cases.answer(waiting.batch_id, both, NOON, agree=True)
    assert cases.approved(NOON).empty
