"""Who paid: credit first, then undisputed charges, the rest unpaid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.graph.worlds import Event, Judged, judge

OWN = ("event_id", "account_id", "charge_id")


def _event(number: int, of: str, /, **more: Any) -> Event:
    return {
        "event_id": f"e{number}",
        "type": of,
        "occurred_at": f"2026-03-01T{number % 24:02d}:00:00Z",
        "account_id": "a",
        **more,
    }


def _use(usd: float, paid_by: str | None = None) -> Event:
    more = {"paid_by": paid_by} if paid_by else {}
    return _event(10, "usage.recorded", cost_usd=usd, model="m", **more)


TRIAL = _event(1, "credit.granted", amount_usd=5.0, reason="trial")
BOUGHT = _event(2, "credit.granted", amount_usd=20.0, reason="purchase")
CHARGE = _event(
    3, "payment.charged", amount_usd=20.0, charge_id="c", status="succeeded"
)
DISPUTE = _event(4, "payment.disputed", charge_id="c", kind="chargeback")
WON = _event(5, "payment.disputed", charge_id="c", kind="chargeback", outcome="won")
WARNING = _event(6, "payment.disputed", charge_id="c", kind="early_fraud_warning")
REFUND = _event(7, "payment.refunded", charge_id="c", amount_usd=20.0)
DECLINED = _event(
    8, "payment.charged", amount_usd=20.0, charge_id="d", status="declined"
)


# The events of an account, and what it consumed without paying.
CASES: list[tuple[list[Event], float]] = [
    ([TRIAL, _use(3.0, "credit")], 3.0),
    ([TRIAL, _use(3.0)], 3.0),
    ([TRIAL, CHARGE, _use(15.0)], 5.0),
    ([TRIAL, CHARGE, _use(40.0)], 20.0),
    ([TRIAL, BOUGHT, CHARGE, _use(25.0, "credit")], 5.0),
    ([TRIAL, BOUGHT, CHARGE, DISPUTE, _use(25.0, "credit")], 25.0),
    ([CHARGE, _use(18.0, "card")], 0.0),
    ([CHARGE, DISPUTE, _use(18.0, "card")], 18.0),
    ([CHARGE, DISPUTE, WON, _use(18.0, "card")], 0.0),
    ([CHARGE, WARNING, _use(18.0, "card")], 18.0),
    ([CHARGE, REFUND, _use(18.0)], 18.0),
    ([DECLINED, _use(18.0, "card")], 18.0),
    ([_use(18.0, "card")], 0.0),
    ([_use(500.0, "invoice")], 0.0),
    ([_use(7.0)], 7.0),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Every case at once, each an account with charges of its own."""
    events = [
        event | {name: f"{event[name]}-{case}" for name in OWN if name in event}
        for case, (given, _) in enumerate(CASES)
        for event in given
    ]
    return judge(tmp_path_factory.mktemp("money"), events)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_what_was_left_unpaid(case: int, judged: Judged) -> None:
    found = judged.accounts.loc[f"a-{case}"]
    assert found["cost_usd"] == pytest.approx(CASES[case][1])


def test_what_the_log_lacks_is_priced_from_tokens(tmp_path: Path) -> None:
    use = _event(
        9, "usage.recorded", model="gpt-4o", input_tokens=1_000_000, output_tokens=0
    )
    found = judge(tmp_path, [use]).accounts.loc["a"]
    assert found["usage_usd"] == pytest.approx(2.5)
