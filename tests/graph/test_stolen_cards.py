"""Stolen cards before their dispute comes, and honest guests who look alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.graph.worlds import Event, Judged, judge

START = datetime(2026, 3, 2)  # noqa: DTZ001 - written with a Z below
BACKGROUND = 60


def _at(hours: float) -> str:
    return f"{(START + timedelta(hours=hours)).isoformat()}Z"


def _account(name: str, hours: float, **card: object) -> Iterator[Event]:
    yield {
        "event_id": f"{name}-made", "type": "account.created", "account_id": name,
        "occurred_at": _at(hours), "email": f"{name}@mail-{name}.example",
        "device_id": f"device-of-{name}",
    }  # fmt: skip
    yield {
        "event_id": f"{name}-card", "type": "payment_method.added",
        "account_id": name, "occurred_at": _at(hours + 0.5),
        "payment_method_id": f"pm-{name}", "card_fingerprint": f"fp-{name}", **card,
    }  # fmt: skip


def _charge(name: str, number: int, hours: float, usd: float) -> Event:
    return {
        "event_id": f"{name}-charge-{number}", "type": "payment.charged",
        "account_id": name, "occurred_at": _at(hours), "amount_usd": usd,
        "charge_id": f"ch-{name}-{number}", "payment_method_id": f"pm-{name}",
        "status": "succeeded",
    }  # fmt: skip


def _use(name: str, number: int, hours: float, usd: float) -> Event:
    return {
        "event_id": f"{name}-use-{number}", "type": "usage.recorded",
        "account_id": name, "occurred_at": _at(hours), "cost_usd": usd, "model": "m",
        "paid_by": "card",
    }  # fmt: skip


def _dispute(name: str, hours: float) -> Event:
    return {
        "event_id": f"{name}-dispute", "type": "payment.disputed",
        "occurred_at": _at(hours), "charge_id": f"ch-{name}-0", "kind": "chargeback",
    }  # fmt: skip


def _drained(name: str, hours: float, **card: object) -> Iterator[Event]:
    """Eight charges and all they bought within a day, then nothing."""
    yield from _account(name, hours, **card)
    for number in range(8):
        yield _charge(name, number, hours + 1 + number, 20.0)
        yield _use(name, number, hours + 1.5 + number, 19.0)


def _guest(name: str, hours: float, **card: object) -> Iterator[Event]:
    """One charge, used up in two days, and never seen again."""
    yield from _account(name, hours, **card)
    yield _charge(name, 0, hours + 1, 20.0)
    for number in range(4):
        yield _use(name, number, hours + 2 + 10 * number, 4.9)


def _customer(name: str, hours: float, **card: object) -> Iterator[Event]:
    """A charge a week for eight weeks."""
    yield from _account(name, hours, **card)
    for week in range(8):
        yield _charge(name, week, hours + 1 + 168 * week, 20.0)
        yield _use(name, week, hours + 40 + 168 * week, 18.0)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    events: list[Event] = []
    for number in range(BACKGROUND):
        events += _customer(f"customer-{number}", 10.0 * number, card_bin="400000")
    events += _drained("hasty", 100)
    events += _guest("guest", 120)
    # Eight cards of one issuer in a day; half of their holders have noticed.
    for number in range(8):
        name = f"run-{number}"
        events += _drained(name, 300 + 2 * number, card_bin="555555")
        if number % 2:
            events.append(_dispute(name, 900 + number))
    events += _guest("same-bank", 306, card_bin="555555")
    # The log goes on for months, as three customers in one hour show.
    events += [_use(f"customer-{n}", 99, 2300, 1.0) for n in range(3)]
    return judge(tmp_path_factory.mktemp("cards"), events)


def test_a_card_charged_again_and_again_and_left_is_suspect(judged: Judged) -> None:
    found = judged.accounts.loc["hasty"]
    assert found["action"] == "review"
    assert found["typology"] == "stolen_payment"
    assert "charged_in_a_run" in found["reasons"]
    assert found["cost_usd"] == pytest.approx(8 * 19.0)


def test_who_pays_once_and_leaves_is_left_alone(judged: Judged) -> None:
    assert judged.accounts.loc["guest", "action"] == "none"


def test_a_run_of_one_issuer_is_told_by_the_disputes_in_it(judged: Judged) -> None:
    run = judged.accounts.filter(like="run-", axis=0)
    assert (run["action"] != "none").all()
    assert run["reasons"].str.contains("bin_run|charge").all()


def test_customers_of_the_same_bank_are_not_the_run(judged: Judged) -> None:
    customers = judged.accounts.filter(like="customer-", axis=0)
    assert len(customers) == BACKGROUND
    assert (customers["action"] == "none").all()
