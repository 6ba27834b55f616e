"""Who is forgotten leaves no readable trace, and does not come back with the logs."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest import tombstones
from ingest.erasure import Somebody, forget, retain
from ingest.ledger import Counts, Ledger
from ingest.soundness import check_ledger
from tests.ingest.conftest import Take
from tests.ingest.examples import Event

FAR = date(2999, 1, 1)
HERS = (
    "acct-ada", "cus_ada", "key-ada", "pm-ada", "ch-ada", "ada@example.org",
    "198.51.100.77", "fingerprint-ada", "card-ada", "+491701234567", "wallet-ada",
)  # fmt: skip


def _event(number: int, name: str, day: int = 1, **fields: object) -> Event:
    moment = f"2026-03-{day:02}T00:00:00Z"
    return {"event_id": f"e{number}", "type": name, "occurred_at": moment, **fields}


def _logs() -> tuple[list[Event | str], list[Event | str]]:
    """Ada's events, and everybody else's, some of which name her."""
    hers: list[Event | str] = [
        _event(1, "account.created", account_id="acct-ada", email="Ada@Example.org",
               ip="198.51.100.77", device_id="fingerprint-ada", phone="+491701234567"),
        _event(2, "key.created", account_id="acct-ada", key_id="key-ada",
               key_hash="5e" * 32),
        _event(3, "usage.recorded", 9, key_id="key-ada", ip="203.0.113.9"),
        _event(4, "key.exposed", key_hash="5e" * 32, location="a gist"),
        _event(5, "payment_method.added", account_id="acct-ada",
               payment_method_id="pm-ada", card_fingerprint="card-ada"),
        _event(6, "payment.charged", account_id="acct-ada", charge_id="ch-ada",
               payment_method_id="pm-ada", amount_usd=5),
        _event(7, "payment.refunded", charge_id="ch-ada"),
        _event(8, "payment.disputed", payment_method_id="pm-ada"),
        _event(9, "identifier.seen", account_id="acct-ada", kind="customer",
               value="cus_ada"),
        _event(10, "identifier.seen", account_id="cus_ada", kind="wallet",
               value="wallet-ada"),
        '{"event_id": "e11", "account_id": "acct-ada", "occurred_at": "never"}',
    ]  # fmt: skip
    others: list[Event | str] = [
        _event(20, "account.created", account_id="acct-adam", ip="203.0.113.9",
               invited_by="acct-ada", email="adam@example.org"),
        _event(21, "account.closed", account_id="acct-adam",
               reason="asked by ada@example.org"),
        _event(22, "usage.recorded", 9, account_id="acct-adam", key_id="key-ada"),
        _event(23, "session.started", account_id="acct-adam", ip="203.0.113.9",
               user_agent="curl/8.1"),
        "not json, adam@example.org",
    ]  # fmt: skip
    return hers, others


def _mentions(folder: Path) -> list[str]:
    """Every file and text in it that has a readable trace of her."""
    trace = re.compile(
        "|".join(re.escape(text) + r"(?!m)" for text in HERS), re.IGNORECASE
    )
    found = [str(path) for path in folder.rglob("*") if trace.search(str(path))]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        found += [
            f"{path}: {m}" for m in trace.findall(path.read_bytes().decode("latin-1"))
        ]
        if path.suffix == ".parquet":
            for column in pq.read_table(path).columns:
                if pa.types.is_string(column.type):
                    texts = filter(None, column.to_pylist())
                    found += [f"{path}: {t}" for t in texts if trace.search(t)]
    return found


def _rows(ledger: Ledger) -> list[object]:
    with ledger.connect() as connection:
        return [
            connection.execute(f"FROM {view} ORDER BY ALL").fetchall()
            for view in ("events", "identifiers")
        ]


def _told(into: list[Somebody]) -> Somebody:
    (somebody,) = into
    return somebody


def test_the_forgotten_leave_no_trace_and_stay_away(ledger: Ledger, take: Take) -> None:
    hers, others = _logs()
    take([*hers, *others])
    assert _mentions(ledger.workspace.root)
    told: list[Somebody] = []
    erased = forget(ledger, "acct-ada", FAR, told.append)
    assert erased.events == 10
    assert set(_told(told).accounts) == {"acct-ada", "cus_ada"}
    assert {"key-ada", "pm-ada", "ch-ada"} < set(_told(told).owned)
    assert {"ada@example.org", "198.51.100.77"} < set(_told(told).values)
    assert _mentions(ledger.workspace.root) == []
    assert [one.sound for one in check_ledger(ledger.workspace)] == [True]
    rows, mark = _rows(ledger), ledger.fingerprint
    counts = take([*hers, *others])
    assert counts == Counts(16, 0, 4, 12)
    assert _mentions(ledger.workspace.root) == []
    assert (_rows(ledger), ledger.fingerprint) == (rows, mark)
    take([*hers, *others])
    assert (_rows(ledger), ledger.fingerprint) == (rows, mark)


def test_what_others_share_stays_theirs(ledger: Ledger, take: Take) -> None:
    hers, others = _logs()
    take([*hers, *others])
    forget(ledger, "acct-ada", FAR, lambda _: None)
    with ledger.connect() as connection:
        events = connection.execute(
            "SELECT event_id, account_id, invited_by, reason, key_id FROM events"
            " ORDER BY event_id"
        ).fetchall()
        shared = connection.execute(
            "SELECT count(*) FROM identifiers WHERE kind = 'ip'"
        ).fetchall()
    assert events == [
        ("e20", "acct-adam", None, None, None),
        ("e21", "acct-adam", None, None, None),
        ("e22", "acct-adam", None, None, None),
        ("e23", "acct-adam", None, None, None),
    ]
    assert shared == [(1,)]


def test_a_crash_before_the_commit_leaves_all_of_it_to_do(
    ledger: Ledger, take: Take
) -> None:
    hers, others = _logs()
    take([*hers, *others])
    before, mark = _rows(ledger), ledger.fingerprint

    def die(_: Somebody) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forget(ledger, "acct-ada", FAR, die)
    assert (_rows(ledger), ledger.fingerprint) == (before, mark)
    assert forget(ledger, "acct-ada", FAR, lambda _: None).events == 10


def test_a_tombstone_expires(ledger: Ledger, take: Take) -> None:
    hers, others = _logs()
    take(others)
    forget(ledger, "acct-ada", date.fromisoformat(tombstones.today()), lambda _: None)
    assert take(hers).accepted == 10


def test_old_events_leave_with_what_only_they_spoke_of(
    ledger: Ledger, take: Take, tmp_path: Path
) -> None:
    hers, others = _logs()
    take([*hers, *others])
    erased = retain(ledger, datetime.fromisoformat("2026-03-05"))
    assert erased.events == 12
    assert [one.sound for one in check_ledger(ledger.workspace)] == [True]
    with ledger.connect() as connection:
        left = connection.execute("SELECT event_id FROM events ORDER BY 1").fetchall()
        kinds = connection.execute("SELECT DISTINCT kind FROM identifiers").fetchall()
    assert left == [("e22",), ("e3",)]
    assert kinds == [("ip",)]
    trace = [line for line in _mentions(ledger.workspace.root) if "key-ada" not in line]
    assert all("quarantine" in line for line in trace)
    retain(ledger, datetime.fromisoformat("2026-03-05") + timedelta(days=9999))
    assert _mentions(ledger.workspace.root) == []
