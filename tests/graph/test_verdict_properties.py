"""What must hold of the verdicts whatever the world: gates, neighbours, gaps."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.graph.worlds import Event, Judged, judge, made_events, only, without

SEED, ACCOUNTS, FEW = 11, 1500, 400


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return made_events(tmp_path_factory.mktemp("world"), ACCOUNTS, SEED)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """A world in which every kind of event occurs, and no more."""
    return made_events(tmp_path_factory.mktemp("few"), FEW, SEED)


@pytest.fixture(scope="module")
def judged(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judge(tmp_path_factory.mktemp("judged"), events)


def _created(account: str, **more: object) -> Event:
    return {
        "event_id": f"created-{account}",
        "type": "account.created",
        "occurred_at": "2026-03-20T10:00:00Z",
        "account_id": account,
        **more,
    }


def test_an_unrelated_account_changes_nobody(
    events: list[Event], judged: Judged, tmp_path: Path
) -> None:
    stranger = _created(
        "stranger", email="greta.lindqvist@posteo.example", ip="198.51.100.77",
        device_id="of-her-own", user_agent="Mozilla/5.0 (X11) Firefox/140.0",
    )  # fmt: skip
    after = judge(tmp_path, [*events, stranger]).accounts.drop("stranger")
    before = judged.accounts
    assert (after["action"] == before["action"]).all()
    assert (after["score"] - before["score"]).abs().max() <= 0.01


def test_a_forged_date_moves_nobody(
    events: list[Event], judged: Judged, tmp_path: Path
) -> None:
    forged = [
        _created("past") | {"occurred_at": "1999-01-01T00:00:00Z"},
        _created("future") | {"occurred_at": "2099-01-01T00:00:00Z"},
    ]
    after = judge(tmp_path, [*events, *forged]).accounts
    before = judged.accounts
    assert (after["action"].reindex(before.index) == before["action"]).all()
    moved = (after["score"].reindex(before.index) - before["score"]).abs()
    assert moved.max() <= 0.01


def test_a_benign_payment_never_raises_a_risk(
    events: list[Event], judged: Judged, tmp_path: Path
) -> None:
    chosen = judged.accounts.sort_values("score", ascending=False).index[:40]
    payments = [
        {
            "event_id": f"benign-{account}",
            "type": "payment.charged",
            "occurred_at": "2026-03-25T12:00:00Z",
            "account_id": account,
            "charge_id": f"benign-charge-{account}",
            "amount_usd": 20.0,
            "status": "succeeded",
        }
        for account in chosen
    ]
    after = judge(tmp_path, [*events, *payments]).accounts
    raised = after.loc[chosen, "score"] - judged.accounts.loc[chosen, "score"]
    assert raised.max() <= 1e-6


def test_volume_alone_never_passes_the_gate(tmp_path: Path) -> None:
    heavy = [
        {
            "event_id": f"use-{number}",
            "type": "usage.recorded",
            "occurred_at": f"2026-03-{1 + number % 28:02d}T{number % 24:02d}:00:00Z",
            "account_id": "heavy",
            "model": "gpt-4o",
            "cost_usd": 500.0,
            "input_tokens": 1_000_000,
        }
        for number in range(2000)
    ]
    found = judge(tmp_path, [_created("heavy"), *heavy]).accounts.loc["heavy"]
    assert found["action"] == "none"
    assert found["control"] < 3.0


@pytest.mark.parametrize(
    "thinned",
    [
        lambda e: without(e, "device_id", "device_scheme"),
        lambda e: without(e, "email"),
        lambda e: without(e, "ja4", "prompt_hash", "user_agent"),
        lambda e: without(e, "paid_by"),
        lambda e: without(e, "ip"),
        lambda e: only(e, lambda x: not x["type"].startswith("payment")),
        lambda e: only(e, lambda x: x["type"] != "key.exposed"),
        lambda e: only(e, lambda x: x["type"] != "credit.granted"),
        lambda e: only(e, lambda x: x["type"] != "usage.recorded"),
        lambda e: only(e, lambda x: x["type"] == "account.created"),
    ],
    ids=[
        "no devices", "no mail", "no client", "no paid_by", "no ip", "no payments",
        "no leak reports", "no credit", "no usage", "sign-ups only",
    ],
)  # fmt: skip
def test_missing_data_narrows_the_evidence_and_never_crashes(
    few: list[Event],
    thinned: Callable[[list[Event]], list[Event]],
    tmp_path: Path,
) -> None:
    found = judge(tmp_path, thinned(few)).accounts
    assert len(found) > 0
    assert found["score"].between(0, 1).all()


def test_order_and_duplicates_change_nothing(
    events: list[Event], judged: Judged, tmp_path: Path
) -> None:
    shuffled = [*events, *events[:500]]
    random.Random(5).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    after = judge(tmp_path, shuffled)
    pd.testing.assert_frame_equal(after.accounts, judged.accounts)
    pd.testing.assert_frame_equal(after.keys, judged.keys)
    pd.testing.assert_frame_equal(after.tenants, judged.tenants)


def test_the_reasons_add_up_to_the_score(judged: Judged) -> None:
    reasons = judged.connection.execute(
        "SELECT subject_id, sum(weight) AS total FROM reasons "
        "WHERE subject_type = 'account' GROUP BY subject_id"
    ).df()
    scores = judged.accounts["score"]
    told = reasons.set_index("subject_id")["total"]
    expected = 1 / (1 + (-told).rpow(2.718281828459045))
    assert len(told) > 0
    assert (expected - scores.reindex(told.index)).abs().max() < 1e-4


def test_nobody_is_acted_on_without_both_gates(judged: Judged) -> None:
    banned = judged.accounts[judged.accounts["action"] == "ban"]
    assert len(banned) > 0
    assert (banned["control"] >= 3.0).all()
    assert (banned["harm"] > 0).all()
