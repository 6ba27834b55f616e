"""The queue and where its cases stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from graph.access import Person
from graph.acts import Act, Subject
from graph.cases import Cases
from graph.dossier import Dossier
from graph.dossier.doubt import cleared
from graph.dossier.queue import Filters, queue
from graph.dossier.standing import evidence, standing
from ingest.workspace import Workspace

NOON = datetime.fromisoformat("2026-05-01T13:00")
ANA = Person("ana", frozenset({"investigator"}))


@pytest.fixture
def cases(tmp_path: Path) -> Iterator[Cases]:
    opened = Cases.open(Workspace.open(tmp_path), b"a pepper of the tests")
    yield opened
    opened.close()


def shown(dossier: Dossier, cases: Cases, **narrow: object) -> list[str]:
    stands = standing(dossier, cases, NOON)
    rows = queue(dossier, stands, Filters(**narrow)).rows  # type: ignore[arg-type]
    return rows["subject_id"].tolist()


def dismiss(cases: Cases, speaks: list[str], members: list[str]) -> None:
    cluster = (Subject("cluster", "c-farm"),)
    act = Act("c-farm", 0, "dismiss", "shared_place", cluster, "s")
    remembered = {"evidence": tuple(speaks), "members": tuple(members)}
    cases.decide(Act(**(vars(act) | remembered)), ANA, NOON)


def clear(cases: Cases, *nodes: str) -> None:
    for node in nodes:
        subjects = (Subject("identifier", node),)
        act = Act(f"identifier:{node}", 0, "clear", "shared_place", subjects, "s")
        cases.decide(act, ANA, NOON)


def test_a_cluster_leaves_the_queue_when_all_that_links_it_is_cleared(
    dossier: Dossier, cases: Cases
) -> None:
    links = [f"device:dev-{n}" for n in range(12)]
    links += [f"card:card-{n}" for n in range(6)]
    clear(cases, *links[:-1])
    assert "c-farm" in shown(dossier, cases)
    clear(cases, links[-1])
    assert "c-farm" not in shown(dossier, cases)
    assert "c-farm" in shown(dossier, cases, statuses=("dismissed",))
    assert set(cleared(cases, NOON)["node"]) == set(links)


def test_what_is_cleared_until_a_day_links_again_after_it(
    dossier: Dossier, cases: Cases
) -> None:
    subjects = (Subject("identifier", "device:dev-0"),)
    act = Act("identifier:device:dev-0", 0, "clear", "household", subjects, "s")
    cases.decide(replace(act, expires_at=NOON + timedelta(days=1)), ANA, NOON)
    assert len(cleared(cases, NOON)) == 1
    assert cleared(cases, NOON + timedelta(days=2)).empty


FARM = [f"farm-{n:02}" for n in range(60)]


def test_most_dollars_at_risk_times_probability_first(
    dossier: Dossier, cases: Cases
) -> None:
    page = queue(dossier, standing(dossier, cases, NOON), Filters())
    assert page.rows["subject_id"].tolist() == ["c-giant", "k-leaked", "c-farm"]
    assert page.rows["at_risk_usd"].tolist() == [36_010.0, 960.0, 730.0]
    assert (page.cases, page.accounts) == (3, 3061)
    assert [sum(days) for days in page.rows["arrivals"]] == [3000, 0, 60]


@pytest.mark.parametrize(
    ("narrow", "expected"),
    [
        ({"typologies": ("key_replay",)}, ["k-leaked"]),
        ({"types": ("cluster",)}, ["c-giant", "c-farm"]),
        ({"paying": "with"}, ["c-farm"]),
        ({"paying": "without", "types": ("cluster",)}, ["c-giant"]),
        ({"least_members": 61}, ["c-giant"]),
        ({"least_usd": 350.0}, ["c-giant", "k-leaked"]),
        ({"active_days": 0}, ["k-leaked"]),
        ({"age_days": 9, "types": ("cluster",)}, []),
        ({"assignee": "ana"}, []),
        ({"quiet": True, "types": ("cluster",)}, ["c-giant", "c-farm", "c-kin"]),
    ],
)
def test_filters_narrow(
    dossier: Dossier, cases: Cases, narrow: dict[str, object], expected: list[str]
) -> None:
    assert shown(dossier, cases, **narrow) == expected


def test_past_the_last_page_comes_the_first(dossier: Dossier, cases: Cases) -> None:
    page = queue(dossier, standing(dossier, cases, NOON), Filters(), page=9)
    assert page.cases == 3


def test_a_dismissed_cluster_leaves_until_something_new_speaks(
    dossier: Dossier, cases: Cases
) -> None:
    speaks = evidence(dossier, ["c-farm"])["c-farm"]
    assert "shared_device" in speaks
    assert {"members ≥ 32", "shared device ≥ 8"} <= set(speaks)
    dismiss(cases, speaks, FARM)
    assert "c-farm" not in shown(dossier, cases)
    assert "c-farm" in shown(dossier, cases, statuses=("dismissed",))


def test_it_comes_back_with_new_evidence(dossier: Dossier, cases: Cases) -> None:
    dismiss(cases, ["members ≥ 1"], FARM)
    assert "c-farm" in shown(dossier, cases)


def test_a_case_follows_its_cluster_by_members(dossier: Dossier, cases: Cases) -> None:
    kept = (Subject("cluster", "c-old"),)
    act = Act("c-old", 0, "watch", "not_enough", kept, "s", members=tuple(FARM[:40]))
    cases.decide(act, ANA, NOON)
    stands = standing(dossier, cases, NOON)
    row = stands[stands["subject_id"] == "c-farm"].iloc[0]
    assert (row["case_id"], row["status"]) == ("c-old", "in review")


def test_a_small_dismissed_cluster_does_not_hide_the_giant_it_joined(
    dossier: Dossier, cases: Cases
) -> None:
    kept = (Subject("cluster", "c-old"),)
    few = tuple(f"g-{n:04}" for n in range(5))
    act = Act("c-old", 0, "dismiss", "household", kept, "s", members=few)
    cases.decide(act, ANA, NOON)
    assert "c-giant" in shown(dossier, cases)


def test_cases_on_keys_stand_by_their_own_name(dossier: Dossier, cases: Cases) -> None:
    cases.assign({"key:k-leaked": 0}, "ana", ANA, NOON)
    stands = standing(dossier, cases, NOON)
    expected = {"subject_type": "key", "subject_id": "k-leaked", "assignee": "ana"}
    assert expected.items() <= stands.iloc[0].to_dict().items()
    assert shown(dossier, cases, assignee="ana") == ["k-leaked"]
    assert isinstance(stands, pd.DataFrame)
