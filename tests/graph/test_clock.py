"""The moment that detection looks from, when none is given."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from graph.observations import latest_credible_time
from ingest.ledger import Ledger
from ingest.workspace import Workspace

_NOON = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - naive UTC

Seen = tuple[str, timedelta]


def _events(seen: Iterable[Seen]) -> list[dict[str, str]]:
    return [
        {
            "event_id": f"e{number}",
            "type": "session.started",
            "occurred_at": (_NOON + after).isoformat() + "Z",
            "account_id": account,
        }
        for number, (account, after) in enumerate(seen)
    ]


def _latest(folder: Path, seen: Iterable[Seen]) -> datetime | None:
    return _latest_of(folder, _events(seen))


def _latest_of(folder: Path, events: list[dict[str, str]]) -> datetime | None:
    lines = folder / "events.ndjson"
    lines.write_text("".join(json.dumps(event) + "\n" for event in events))
    ledger = Ledger.open(Workspace.open(folder / "workspace"))
    ledger.ingest([lines])
    return latest_credible_time(ledger.connect())


def _company(minutes: int) -> list[Seen]:
    names = ("a0", "a1", "a2", "a0")
    return [(name, timedelta(minutes=minutes + n)) for n, name in enumerate(names)]


@pytest.mark.parametrize("lonely_hours", [0, 1, 23, 24, 25, 80])
def test_hours_in_which_few_were_seen_do_not_move_the_clock(
    tmp_path: Path, lonely_hours: int
) -> None:
    lonely: list[Seen] = [
        (f"a{hour % 2}", timedelta(hours=1 + 7 * hour)) for hour in range(lonely_hours)
    ]
    pairs: list[Seen] = [
        (f"a{(n + 1) % 2}", after) for n, (_, after) in enumerate(lonely)
    ]
    seen = [*_company(-90), *_company(5), *lonely, *pairs]
    assert _latest(tmp_path, seen) == _NOON + timedelta(minutes=8)


@pytest.mark.parametrize(
    "forged",
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00Z"],
)
def test_a_date_at_the_end_of_time_does_not_move_the_clock(
    tmp_path: Path, forged: str
) -> None:
    events = _events(_company(5))
    events.append({**events[0], "event_id": "forged", "occurred_at": forged})
    assert _latest_of(tmp_path, events) == _NOON + timedelta(minutes=8)


def test_without_company_the_latest_event_counts(tmp_path: Path) -> None:
    seen: list[Seen] = [(f"a{n}", timedelta(hours=n)) for n in range(60)]
    assert _latest(tmp_path, seen) == _NOON + timedelta(hours=59)


def test_an_empty_ledger_has_no_moment(tmp_path: Path) -> None:
    assert _latest(tmp_path, []) is None
