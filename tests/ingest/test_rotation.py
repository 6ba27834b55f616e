"""A new pepper: nothing that was linked comes apart, and new events meet old ones."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingest import pepper as peppers
from ingest.erasure import forget
from ingest.errors import PepperError
from ingest.ledger import Counts, Ledger
from ingest.pepper import Pepper
from ingest.rotation import rotate
from ingest.soundness import check_ledger
from tests.ingest.conftest import Take
from tests.ingest.examples import BODIES, Event, event

NEXT = "another pepper for the tests of the ledger"
RAW = "sk-proj-" + "a1B2" * 10
EVENTS = [
    *(event(name, at) for at, name in enumerate(sorted(BODIES))),
    event("key.exposed", 50, key_id=None, key_hash=RAW, location=f"a gist, {RAW}"),
    event("usage.recorded", 51, key_id=RAW),
]


def _again(number: int) -> list[Event]:
    """The same people once more, under ids of their own."""
    return [{**one, "event_id": f"again-{one['event_id']}-{number}"} for one in EVENTS]


def _turn(monkeypatch: pytest.MonkeyPatch, ledger: Ledger, secret: str) -> Ledger:
    grown = ledger.pepper.secret.decode() + "\n" + secret
    monkeypatch.setenv("RINGFENCE_PEPPER", grown)
    older = Ledger.open(ledger.workspace)
    assert rotate(older, Pepper.load()) > 0
    return Ledger.open(ledger.workspace)


def _ingest(ledger: Ledger, events: list[Event]) -> Counts:
    path = ledger.workspace.root / "again.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    return ledger.ingest([path])


def _hashes(ledger: Ledger) -> set[tuple[str, str]]:
    with ledger.connect() as connection:
        rows = connection.execute("SELECT kind, identifier FROM identifiers").fetchall()
    return set(rows)


def test_new_events_meet_old_ones(
    ledger: Ledger, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert take(EVENTS).quarantined == 0
    before = _hashes(ledger)
    for secret in (NEXT, NEXT[::-1]):
        ledger = _turn(monkeypatch, ledger, secret)
    after = _hashes(ledger)
    assert len(after) == len(before)
    assert {mark for _, mark in before}.isdisjoint(mark for _, mark in after)
    assert _ingest(ledger, _again(1)).accepted == len(EVENTS)
    assert _hashes(ledger) == after
    # The same events again are the same events.
    counts = _ingest(ledger, EVENTS)
    assert (counts.accepted, counts.quarantined) == (0, 0)
    assert ledger.reveal("ip", ledger.pepper.keyed("ip", "198.51.100.7"))
    assert [one.sound for one in check_ledger(ledger.workspace)] == [True]


def test_the_engine_and_the_program_key_alike(ledger: Ledger) -> None:
    turned = Pepper(ledger.pepper.secret + b"\n" + NEXT.encode() + b"\n" + b"x" * 99)
    with duckdb.connect() as connection:
        asked = (
            "SELECT " + turned.keyed_sql("'ip'", "'1.2.3.4'"),
            "SELECT " + turned.key_hash_sql("'AB'"),
        )
        found = [connection.execute(one, turned.pads()).fetchall() for one in asked]
    assert found == [
        [(turned.keyed("ip", "1.2.3.4"),)],
        [(turned.key_hash("ab"),)],
    ]
    assert turned.rotated(ledger.pepper.keyed("ip", "x"), 0) == turned.keyed("ip", "x")


def test_a_workspace_that_was_not_rotated_goes_on(
    ledger: Ledger, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(EVENTS)
    before = _hashes(ledger)
    monkeypatch.setenv("RINGFENCE_PEPPER", ledger.pepper.secret.decode() + "\n" + NEXT)
    behind = Ledger.open(ledger.workspace)
    assert behind.pepper.rotations == 0
    assert _hashes(behind) == before
    monkeypatch.setenv("RINGFENCE_PEPPER", NEXT)
    with pytest.raises(PepperError, match="not the one"):
        Ledger.open(ledger.workspace)


def test_the_forgotten_stay_forgotten(
    ledger: Ledger, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(EVENTS)
    forget(ledger, "a1", date(2999, 1, 1), lambda _: None)
    kept = _hashes(ledger)
    stale = ledger
    ledger = _turn(monkeypatch, ledger, NEXT)
    with pytest.raises(PepperError, match="rotated meanwhile"):
        _ingest(stale, EVENTS)
    assert _ingest(ledger, EVENTS).accepted == 0
    assert len(_hashes(ledger)) == len(kept)


def test_the_pepper_file_grows_by_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGFENCE_PEPPER")
    place = tmp_path / "pepper"
    monkeypatch.setenv("RINGFENCE_PEPPER_FILE", str(place))
    first = Pepper.load()
    grown = peppers.add(peppers.new_secret())
    assert Pepper.load() == grown
    assert grown.of_check(first.check()) == first
    assert place.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("RINGFENCE_PEPPER", "from the environment")
    with pytest.raises(PepperError, match="a line of its own"):
        peppers.add(peppers.new_secret())
