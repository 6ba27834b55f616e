"""Links that a third party can make: they tie nobody to a ring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.graph.worlds import Event, judge

START = datetime(2026, 3, 2)  # noqa: DTZ001 - written with a Z below
MEMBERS = 8


def _at(hours: float) -> str:
    return f"{(START + timedelta(hours=hours)).isoformat()}Z"


def _trial(name: str, hours: float, **sign_up: object) -> Iterator[Event]:
    """Signs up, draws a trial and uses it up within the hour."""
    common = {"account_id": name}
    yield {
        "event_id": f"{name}-made", "type": "account.created",
        "occurred_at": _at(hours), "email": f"{name}@{name}.example", **common,
        **sign_up,
    }  # fmt: skip
    yield {
        "event_id": f"{name}-trial", "type": "credit.granted", "amount_usd": 5.0,
        "occurred_at": _at(hours), "reason": "trial", **common,
    }  # fmt: skip
    # One request: too little to have habits that others could share.
    yield {
        "event_id": f"{name}-use", "type": "usage.recorded",
        "occurred_at": _at(hours + 1), "cost_usd": 5.0, "model": "m",
        "paid_by": "credit", **common,
    }  # fmt: skip


def _seen(name: str, number: int, hours: float, device: str) -> Event:
    return {
        "event_id": f"{name}-seen-{number}", "type": "session.started",
        "occurred_at": _at(hours), "account_id": name, "device_id": device,
    }  # fmt: skip


def _ring(**sign_up: object) -> list[Event]:
    return [
        event
        for number in range(MEMBERS)
        for event in _trial(
            f"ring-{number}", 100 + number, **({"device_id": "ring-device"} | sign_up)
        )
    ]


def _alone(count: int = 80) -> list[Event]:
    """People of no ring, half of whom use their trial up."""
    made: list[Event] = []
    for number in range(count):
        events = [*_trial(f"other-{number}", 9.0 * number, device_id=f"d-{number}")]
        made += events if number % 2 else events[:2]
    # The log goes on for weeks, as three accounts in one hour show.
    made += [_seen(f"other-{n}", 99, 1000, f"d-{n}") for n in range(3)]
    return made


def test_a_device_seen_once_on_a_stranger_is_not_his(tmp_path: Path) -> None:
    victim = [
        *_trial("victim", 103, device_id="victim-device"),
        *(_seen("victim", n, 104 + n, "victim-device") for n in range(3)),
        _seen("victim", 9, 108, "ring-device"),
    ]
    found = judge(tmp_path, [*_alone(), *_ring(), *victim]).accounts
    assert found.loc["victim", "cluster_id"] == ""
    assert found.loc["victim", "action"] == "none"
    ring = found.filter(like="ring-", axis=0)
    assert (ring["action"] != "none").all()


def test_the_holder_of_a_mailbox_is_not_whoever_tags_it(tmp_path: Path) -> None:
    victim = [*_trial("victim", 50, email="ann.miller@gmail.com", device_id="hers")]
    tagged = [
        event
        for number in range(MEMBERS)
        for event in _trial(
            f"ring-{number}", 100 + number, device_id="ring-device",
            email=f"ann.miller+{number}@gmail.com",
        )
    ]  # fmt: skip
    found = judge(tmp_path, [*_alone(), *tagged, *victim]).accounts
    assert found.loc["victim", "action"] == "none"
    assert found.loc["victim", "cluster_id"] == ""


def test_a_ring_does_not_pay_by_adding_a_stranger_who_does(tmp_path: Path) -> None:
    guest: list[Event] = [
        {
            "event_id": "guest-made", "type": "account.created",
            "occurred_at": _at(40), "account_id": "guest", "tenant_id": "ring-tenant",
            "device_id": "guest-device",
        },
        {
            "event_id": "guest-paid", "type": "payment.charged",
            "occurred_at": _at(60), "account_id": "guest", "amount_usd": 10.0,
            "charge_id": "c", "status": "succeeded",
        },
    ]  # fmt: skip
    events = [*_alone(), *_ring(tenant_id="ring-tenant"), *guest]
    found = judge(tmp_path, events).accounts
    assert (found.filter(like="ring-", axis=0)["action"] != "none").all()
    assert found.loc["guest", "action"] == "none"


@pytest.mark.parametrize("closed", ["abandoned it", "banned for abuse"])
def test_who_comes_after_a_removal_came_back(closed: str, tmp_path: Path) -> None:
    gone: list[Event] = [
        {
            "event_id": "gone", "type": "account.closed", "occurred_at": _at(104.5),
            "account_id": "ring-0", "reason": closed,
        }
    ]  # fmt: skip
    shared = {"card_fingerprint": "one-card", "payment_method_id": "pm"}
    cards: list[Event] = [
        {
            "event_id": f"card-{n}", "type": "payment_method.added",
            "occurred_at": _at(100.2 + n), "account_id": f"ring-{n}", **shared,
        }
        for n in range(MEMBERS)
    ]  # fmt: skip
    judged = judge(tmp_path, [*_alone(), *_ring(), *cards, *gone])
    told = judged.connection.execute(
        "SELECT DISTINCT subject_id FROM reasons WHERE code = 'came_back' "
        "ORDER BY subject_id"
    ).fetchall()
    removed = judged.accounts["removed_at"].notna()
    assert removed.sum() == (closed == "banned for abuse")
    later = [(f"ring-{n}",) for n in range(5, MEMBERS)]
    assert told == (later if closed == "banned for abuse" else [])
