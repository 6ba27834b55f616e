"""Exposed keys: the clock from leak to abuse, the loss, and those revoked in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.graph.worlds import Event, Judged, judge

START = datetime(2026, 3, 2)  # noqa: DTZ001 - written with a Z below
LEAK = 24.0 * 20

# When the key was out, as a false report has it: before it was made, at once, later.
SLANDERED = {"unborn": -240.0, "newborn": 0.1, "grown": LEAK}


def _at(hours: float) -> str:
    return f"{(START + timedelta(hours=hours)).isoformat()}Z"


def _owner(name: str) -> Iterator[Event]:
    """A paying owner at his desk, with one client, model and prompt, for 25 days."""
    key = {"account_id": name, "key_id": f"key-{name}"}
    yield {
        "event_id": f"{name}-key", "type": "key.created", "occurred_at": _at(0), **key
    }  # fmt: skip
    for number in range(25 * 4):
        yield {
            "event_id": f"{name}-{number}", "type": "usage.recorded",
            "occurred_at": _at(9 + 6 * number), "cost_usd": 0.5, "model": "small",
            "ip": "198.51.100.7", "user_agent": "openai-python/1.0", "ja4": "own",
            "prompt_hash": f"prompt-{name}", "paid_by": "invoice", **key,
        }  # fmt: skip


def _leak(name: str) -> Event:
    return {
        "event_id": f"{name}-leak", "type": "key.exposed", "occurred_at": _at(LEAK),
        "key_id": f"key-{name}", "location": "a public repository", "verified": True,
    }  # fmt: skip


def _theft(name: str) -> Iterator[Event]:
    """Ten minutes after the leak: probes, then an expensive model from ten networks."""
    for number in range(40):
        yield {
            "event_id": f"{name}-theft-{number}", "type": "usage.recorded",
            "occurred_at": _at(LEAK + 10 / 60 + number / 10),
            "key_id": f"key-{name}", "cost_usd": 0.0 if number < 4 else 2.0,
            "model": "large", "ip": f"203.0.{number % 10}.9", "user_agent": "curl/8",
            "ja4": "theirs", "prompt_hash": "resale",
            "http_status": 403 if number < 4 else 200,
        }  # fmt: skip


def _revoked(name: str, hours: float) -> Event:
    return {
        "event_id": f"{name}-revoked", "type": "key.revoked",
        "occurred_at": _at(LEAK + hours), "key_id": f"key-{name}",
    }  # fmt: skip


def _travels(name: str) -> Iterator[Event]:
    """Later another machine of the owner's, from four places he is new in."""
    for number in range(40):
        yield {
            "event_id": f"{name}-away-{number}", "type": "usage.recorded",
            "occurred_at": _at(LEAK + 2 * number), "cost_usd": 0.5, "model": "small",
            "ip": f"192.0.{number % 4}.8", "user_agent": "node/22", "ja4": "other",
            "prompt_hash": f"prompt-{name}", "key_id": f"key-{name}",
        }  # fmt: skip


def _slander(name: str, hours: float) -> Event:
    """A report by somebody who never held the key, dated as he likes."""
    return {**_leak(name), "exposed_at": _at(hours), "verified": False}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    events = [e for name in ("robbed", "quick", "quiet") for e in _owner(name)]
    events += [_leak("robbed"), *_theft("robbed"), _revoked("robbed", 5)]
    events += [_leak("quick"), _revoked("quick", 0.2)]
    for name, hours in SLANDERED.items():
        events += [*_owner(name), *_travels(name), _slander(name, hours)]
    events += [*_owner("hidden"), _slander("hidden", -240), *_theft("hidden")]
    events.append({**_leak("hidden"), "event_id": "hidden-proof"})
    return judge(tmp_path_factory.mktemp("keys"), events)


def _told(judged: Judged, key: str) -> dict[str, str]:
    rows = judged.connection.execute(
        "SELECT code, sentence FROM reasons "
        "WHERE subject_type = 'key' AND subject_id = ?",
        [key],
    ).fetchall()
    return dict(rows)


def test_the_clock_runs_from_leak_to_first_abuse(judged: Judged) -> None:
    key = judged.keys.loc["key-robbed"]
    assert key["typology"] == "cloud_key_exposure"
    assert key["latency_seconds"] == pytest.approx(600)
    assert key["cost_usd"] == pytest.approx(72.0)
    assert judged.accounts.loc["robbed", "action"] == "none"


def test_the_loss_and_the_end_of_the_exposure_are_told(judged: Judged) -> None:
    said = _told(judged, "key-robbed")["used_after_exposure"]
    assert "10 minutes" in said
    assert "$72.00" in said
    assert "revoked 5.0 hours after the leak" in said


def test_a_key_revoked_before_anyone_came_is_cleared(judged: Judged) -> None:
    assert judged.keys.loc["key-quick", "action"] == "none"
    assert "12 minutes" in _told(judged, "key-quick")["revoked_in_time"]
    assert "key-quiet" in judged.keys.index


@pytest.mark.parametrize("name", SLANDERED)
def test_a_false_report_makes_no_stranger_of_the_owner(
    judged: Judged, name: str
) -> None:
    assert judged.keys.loc[f"key-{name}", "action"] != "revoke"
    assert judged.accounts.loc[name, "action"] == "none"


def test_a_false_report_hides_no_theft_that_is_proved(judged: Judged) -> None:
    key = judged.keys.loc["key-hidden"]
    assert (key["action"], key["latency_seconds"]) == ("revoke", pytest.approx(600))
