"""Who drains a tenant: named as account, key, end user or address, or nobody at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.graph.worlds import Event, judge

START = datetime(2026, 3, 2)  # noqa: DTZ001 - written with a Z below
DAYS = 30
OFFICE = "198.51.100.7"


def _at(day: int, minute: float) -> str:
    return f"{(START + timedelta(days=day, minutes=minute)).isoformat()}Z"


def _use(number: str, when: str, usd: float, **more: object) -> Event:
    return {
        "event_id": number, "type": "usage.recorded", "occurred_at": when,
        "tenant_id": "org", "cost_usd": usd, "model": "m", "paid_by": "invoice", **more,
    }  # fmt: skip


def _office() -> Iterator[Event]:
    """Four colleagues with a key each, at their desks on every day."""
    for person in range(4):
        account = f"member-{person}"
        for day in range(DAYS):
            for turn in range(6):
                yield _use(
                    f"{account}-{day}-{turn}",
                    _at(day, 540 + 80 * turn + 7 * person), 0.2, account_id=account,
                    key_id=f"key-{person}", ip=OFFICE, end_user=f"desk-{person}",
                )  # fmt: skip


def _drain(**more: object) -> Iterator[Event]:
    """From the eighteenth day on, every ten minutes, day and night."""
    for day in range(18, DAYS):
        for turn in range(144):
            seen = {
                name: value(turn) if callable(value) else value
                for name, value in more.items()
            }
            yield _use(f"drain-{day}-{turn}", _at(day, 10 * turn), 0.15, **seen)


CULPRITS: dict[str, tuple[str, dict[str, object]]] = {
    "account": (
        "member-1",
        {"account_id": "member-1", "key_id": lambda n: f"key-1{n % 3}", "ip": OFFICE},
    ),
    "key": (
        "key-leaked",
        {"account_id": lambda n: f"member-{n % 4}", "key_id": "key-leaked"},
    ),
    "end_user": (
        "stranger",
        {
            "account_id": lambda n: f"member-{n % 4}",
            "key_id": lambda n: f"key-{n % 4}",
            "end_user": "stranger",
        },
    ),
    "ip": (
        "203.0.113.9",
        {
            "account_id": lambda n: f"member-{n % 4}",
            "key_id": lambda n: f"key-{n % 4}",
            "ip": "203.0.113.9",
        },
    ),
}


@pytest.mark.parametrize("kind", CULPRITS)
def test_the_culprit_is_named_by_what_he_is(kind: str, tmp_path: Path) -> None:
    name, seen = CULPRITS[kind]
    judged = judge(tmp_path, [*_office(), *_drain(**seen)])
    tenant = judged.tenants.loc["org"]
    assert tenant["action"] in {"throttle", "review"}
    assert tenant["culprit_type"] == kind
    if kind == "ip":
        masked = judged.connection.execute(
            "SELECT accounts FROM judged_identifiers WHERE identifier = ?",
            [tenant["culprit"]],
        ).fetchall()
        assert masked == [(4,)]
    else:
        assert tenant["culprit"] == name
    assert tenant["cost_usd"] >= 0.15 * 144 * (DAYS - 18)


def test_an_even_office_has_no_culprit(tmp_path: Path) -> None:
    tenant = judge(tmp_path, _office()).tenants.loc["org"]
    assert tenant["action"] == "none"
    assert tenant["culprit"] == ""
