"""Every event type, every kind of bad line, in every form of file."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contract import EVENT_TYPES, FIELDS
from ingest.ledger import Counts, Ledger
from tests.ingest.examples import (
    BODIES,
    FLAGS,
    IDENTIFIERS,
    MONEY,
    TIMES,
    WHOLE,
    Event,
    event,
)

Write = Callable[[Path, list[Event]], Path]
Take = Callable[..., Counts]


def _ndjson(folder: Path, events: list[Event]) -> Path:
    path = folder / "e.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    return path


def _gzip(folder: Path, events: list[Event]) -> Path:
    path = folder / "e.jsonl.gz"
    text = "".join(json.dumps(one) + "\n" for one in events)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _csv(folder: Path, events: list[Event]) -> Path:
    path = folder / "e.csv"
    names = sorted({name for one in events for name in one})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows([{n: _text(v) for n, v in one.items()} for one in events])
    return path


def _parquet(folder: Path, events: list[Event]) -> Path:
    path = folder / "e.parquet"
    names = sorted({name for one in events for name in one})
    columns = {name: [one.get(name) for one in events] for name in names}
    for name in TIMES & set(names):
        columns[name] = [
            None if value is None else datetime.fromisoformat(value)
            for value in columns[name]
        ]
    kinds = {name: pa.timestamp("us", "UTC") for name in TIMES}
    arrays = {n: pa.array(v, kinds.get(n)) for n, v in columns.items()}
    pq.write_table(pa.table(arrays), path)
    return path


WRITERS: list[Write] = [_ndjson, _gzip, _csv, _parquet]


def _texts(folder: Path, events: list[Event]) -> Path:
    path = folder / "t.parquet"
    names = sorted({name for one in events for name in one})
    rows = [{n: _text(v) for n, v in one.items()} for one in events]
    columns = {n: pa.array([one.get(n) for one in rows], pa.string()) for n in names}
    pq.write_table(pa.table(columns), path)
    return path


def _stored(ledger: Ledger) -> dict[str, dict[str, Any]]:
    with ledger.connect() as connection:
        rows = connection.execute("SELECT * FROM events")
        names = [column[0] for column in rows.description or []]
        found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return {one["event_id"]: one for one in found}


def _expected(name: str, value: Any) -> Any:
    if name in TIMES:
        moment = datetime.fromisoformat(value)
        return (moment - (moment.utcoffset() or moment - moment)).replace(tzinfo=None)
    return Decimal(str(value)) if name in MONEY else value


def test_the_contract_names_the_types_of_its_table() -> None:
    assert {one.name for one in EVENT_TYPES} == set(BODIES)
    for one in EVENT_TYPES:
        required, one_of, optional = BODIES[one.name]
        assert set(one.required) == set(required)
        assert set(one.one_of) == set(one_of)
        assert set(one.optional) == set(optional)


@pytest.mark.parametrize("write", WRITERS)
def test_every_field_of_every_type_is_stored(
    write: Write, ledger: Ledger, tmp_path: Path
) -> None:
    sent = [event(name, number) for number, name in enumerate(sorted(BODIES))]
    counts = ledger.ingest([write(tmp_path, sent)])
    assert counts == Counts(len(sent), len(sent), 0, 0)
    stored = _stored(ledger)
    for one in sent:
        found = stored[one["event_id"]]
        assert list(found) == list(FIELDS)
        assert {n for n, v in found.items() if v is not None} == set(one)
        for field in set(one) - IDENTIFIERS:
            assert found[field] == _expected(field, one[field]), (one["type"], field)
        assert all(found[field] != one[field] for field in IDENTIFIERS & set(one))


def _incomplete() -> dict[str, Event]:
    """Give events that lack what they need, by what the reason must name."""
    found = {}
    for name, (required, one_of, _) in BODIES.items():
        for field in ("event_id", "type", "occurred_at", *required):
            found[f"{name} {field}"] = event(name, 1, **{field: None})
        if one_of:
            what = f"{name} {' or '.join(one_of)}"
            none: Event = dict.fromkeys(one_of)
            found[what] = event(name, 1, **none)
    return found


@pytest.mark.parametrize("write", WRITERS)
def test_what_lacks_a_required_field_is_quarantined(
    write: Write, ledger: Ledger, tmp_path: Path
) -> None:
    bad = _incomplete()
    counts = ledger.ingest([write(tmp_path, [*bad.values(), event("quota.set", 4)])])
    assert counts == Counts(len(bad) + 1, 1, 0, len(bad))
    with ledger.connect() as connection:
        rows = connection.execute("SELECT reason FROM quarantine ORDER BY line")
        reasons = [reason for (reason,) in rows.fetchall()]
    expected = [what.split(" ", 1)[1] + ": is missing" for what in bad]
    assert reasons == expected


_A = "account.created"
_USE = "usage.recorded"
_BAD: dict[str, Event] = {
    "unknown type": event("account.closed", type="account.opened"),
    "no offset": event(_A, occurred_at="2026-06-01T12:00:00"),
    "date alone": event(_A, occurred_at="2026-06-01"),
    "no such day": event(_A, occurred_at="2026-02-30T12:00:00Z"),
    "hour 24": event(_A, occurred_at="2026-06-01T24:00:00Z"),
    "offset of 25 hours": event(_A, occurred_at="2026-06-01T12:00:00+25:00"),
    "words for a time": event(_A, occurred_at="yesterday"),
    "epoch": event(_A, occurred_at="1780000000"),
    "infinite time": event(_A, occurred_at="infinity"),
    "bad second time": event("key.created", expires_at="soon"),
    "negative amount": event("credit.granted", amount_usd=-1),
    "tiny negative amount": event("credit.granted", amount_usd=-0.0000001),
    "negative cost": event(_USE, cost_usd=-0.5),
    "not a number": event("payment.charged", amount_usd="ten"),
    "number with a comma": event("payment.charged", amount_usd="1,5"),
    "number with a currency": event("payment.charged", amount_usd="$5"),
    "number with underscores": event("payment.charged", amount_usd="1_000"),
    "NaN as text": event("payment.charged", amount_usd="nan"),
    "infinity as text": event("payment.charged", amount_usd="inf"),
    "beyond all money": event("payment.charged", amount_usd=1e15),
    "fraction of a token": event(_USE, input_tokens=1.5),
    "negative tokens": event(_USE, output_tokens=-3),
    "hexadecimal tokens": event(_USE, output_tokens="0x10"),
    "tokens with underscores": event(_USE, output_tokens="1_0"),
    "tokens in words": event(_USE, input_tokens="many"),
    "too many tokens": event(_USE, input_tokens="99999999999999999999"),
    "fraction of a request": event(_USE, requests=0.5),
    "status in words": event(_USE, http_status="ok"),
    "undecided flag": event("session.started", mfa="maybe"),
    "unknown verdict": event("account.reviewed", verdict="guilty"),
    "unknown status": event("payment.charged", status="pending"),
    "unknown payer": event(_USE, paid_by="friend"),
    "unknown reason of credit": event("credit.granted", reason="gift"),
    "unknown check": event("payment_method.added", cvc_check="unchecked"),
    "unknown funding": event("payment_method.added", card_funding="gold"),
    "unknown period": event("quota.set", period="week"),
    "unknown kind of dispute": event("payment.disputed", kind="complaint"),
    "unknown outcome": event("payment.disputed", outcome="settled"),
    "empty id": event(_A, account_id=""),
    "blank id": event(_A, account_id="   "),
    "empty event id": event(_A, event_id=""),
}


def _field_of(bad: Event) -> str:
    """Name the field in which a bad event differs from a good one of its type."""
    if bad.get("type") not in BODIES:
        return "type"
    good = event(bad["type"])
    return next(name for name in good if good[name] != bad.get(name))


_FIELD_OF = {what: _field_of(bad) for what, bad in _BAD.items()}


@pytest.mark.parametrize("write", [_ndjson, _gzip, _csv, _texts])
def test_bad_values_are_quarantined_with_field_and_place(
    write: Write, ledger: Ledger, tmp_path: Path
) -> None:
    path = write(tmp_path, list(_BAD.values()))
    assert ledger.ingest([path]) == Counts(len(_BAD), 0, 0, len(_BAD))
    with ledger.connect() as connection:
        rows = connection.execute(
            "SELECT file, line, reason FROM quarantine ORDER BY line"
        ).fetchall()
    start = 2 if path.suffix == ".csv" else 1
    fields = [reason.split(":")[0] for _, _, reason in rows]
    assert fields == [_FIELD_OF[what] for what in _BAD]
    places = [(file, line) for file, line, _ in rows]
    assert places == [(str(path), at + start) for at in range(len(_BAD))]


def test_typed_columns_of_parquet_are_checked_too(
    ledger: Ledger, tmp_path: Path
) -> None:
    good = event("credit.granted")
    columns = {
        "event_id": ["1", "2", "3", "4"],
        "type": [good["type"]] * 4,
        "occurred_at": pa.array([0, 0, 0, None], pa.timestamp("ms", "Europe/Paris")),
        "account_id": [7, 8, 9, 10],
        "amount_usd": [5.0, -5.0, float("nan"), 1.0],
    }
    typed = tmp_path / "typed.parquet"
    pq.write_table(pa.table(columns), typed)
    assert ledger.ingest([typed]) == Counts(4, 1, 0, 3)
    naive = tmp_path / "naive.parquet"
    columns["occurred_at"] = pa.array([0, 0, 0, 0], pa.timestamp("ms"))
    pq.write_table(pa.table(columns), naive)
    assert ledger.ingest([naive]) == Counts(4, 0, 0, 4)
    with ledger.connect() as connection:
        rows = connection.execute(
            "SELECT line, reason FROM quarantine ORDER BY file, line"
        ).fetchall()
    offset = "occurred_at: has no offset from UTC"
    assert rows[:4] == [(line, offset) for line in (1, 2, 3, 4)]
    assert rows[4:] == [
        (2, "amount_usd: is negative"),
        (3, "amount_usd: is not a finite number"),
        (4, "occurred_at: is missing"),
    ]


_LINES = {
    "not JSON": ("line: is not JSON", "{not json"),
    "cut off": ("line: is not JSON", '{"event_id": "e1", "type": "account.cl'),
    "two on a line": ("line: is not JSON", '{"event_id": "e1"}{"event_id": "e2"}'),
    "single quotes": ("line: is not JSON", "{'event_id': 'e1'}"),
    "a list": ("line: is not a JSON object", '["event_id"]'),
    "a word": ("line: is not a JSON object", '"event_id"'),
    "a number": ("line: is not a JSON object", "42"),
    "null": ("line: is not a JSON object", "null"),
    "lone surrogate": (
        "line: is not JSON",
        json.dumps(event("account.closed"))[:-1] + ', "x": "\\ud800"}',
    ),
    "comma at the end": (
        "line: is not JSON",
        json.dumps(event("account.closed"))[:-1] + ",}",
    ),
    "NaN": (
        "amount_usd: is not a finite number",
        json.dumps(event("credit.granted", amount_usd=float("nan"))),
    ),
    "infinity": (
        "amount_usd: is not a finite number",
        json.dumps(event("credit.granted", amount_usd=float("inf"))),
    ),
    "nested id": (
        "account_id: is nested, not a single value",
        json.dumps(event("account.closed", account_id={"id": 1})),
    ),
    "list of ids": (
        "account_id: is nested, not a single value",
        json.dumps(event("account.closed", account_id=["a1"])),
    ),
    "nested amount": (
        "amount_usd: is nested, not a single value",
        json.dumps(event("credit.granted", amount_usd=[5])),
    ),
    "truth for an id": (
        "account_id: is not text",
        json.dumps(event("account.closed", account_id=True)),
    ),
    "nested event id": (
        "event_id: is nested, not a single value",
        json.dumps(event("account.closed", event_id={"a": 1})),
    ),
}


def test_bad_lines_are_quarantined_whole(take: Take, ledger: Ledger) -> None:
    lines = [line for _, line in _LINES.values()]
    counts = take([event("account.created", 9), *lines, event("account.closed", 8)])
    assert counts == Counts(len(lines) + 2, 2, 0, len(lines))
    with ledger.connect() as connection:
        rows = connection.execute(
            "SELECT line, reason, text FROM quarantine ORDER BY line"
        ).fetchall()
    expected = [(at, *pair) for at, pair in enumerate(_LINES.values(), 2)]
    assert rows == expected


def test_bytes_that_are_no_utf8_are_quarantined(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson"
    good = json.dumps(event("account.closed")).encode()
    path.write_bytes(good + b'\n{"event_id": "\xff"}\n')
    assert ledger.ingest([path]) == Counts(2, 1, 0, 1)


_FINE: dict[str, tuple[Event, str, Any]] = {
    "number for an id": (event(_A, account_id=17), "account_id", "17"),
    "text for a number": (event(_USE, input_tokens="12"), "input_tokens", 12),
    "text for money": (
        event("credit.granted", amount_usd="5.25"),
        "amount_usd",
        Decimal("5.25"),
    ),
    "whole number with a point": (event(_USE, requests=3.0), "requests", 3),
    "exponent": (event(_USE, input_tokens="1e3"), "input_tokens", 1000),
    "zero": (event("credit.granted", amount_usd=0), "amount_usd", Decimal(0)),
    "minus zero": (event("credit.granted", amount_usd=-0.0), "amount_usd", Decimal(0)),
    "empty option": (event(_A, plan=""), "plan", None),
    "blank option": (event(_A, plan=" \t"), "plan", None),
    "letters beyond ASCII": (event(_A, plan="プラン"), "plan", "プラン"),
    "brace in a text": (event(_A, plan="{free}"), "plan", "{free}"),
    "bracket in a text": (event(_A, plan="[free]"), "plan", "[free]"),
    "the word true": (event(_A, plan="true"), "plan", "true"),
    "offset": (
        event(_A, occurred_at="2026-06-01T12:00:00+05:30"),
        "occurred_at",
        datetime(2026, 6, 1, 6, 30),  # noqa: DTZ001 - the ledger's UTC is naive
    ),
    "small letters": (
        event(_A, occurred_at="2026-06-01t12:00:00z"),
        "occurred_at",
        datetime(2026, 6, 1, 12),  # noqa: DTZ001
    ),
    "nanoseconds": (
        event(_A, occurred_at="2026-06-01T12:00:00.123456789Z"),
        "occurred_at",
        datetime(2026, 6, 1, 12, 0, 0, 123456),  # noqa: DTZ001
    ),
    "leap second": (
        event(_A, occurred_at="2026-06-30T23:59:60Z"),
        "occurred_at",
        datetime(2026, 7, 1),  # noqa: DTZ001
    ),
    "flag as text": (event("session.started", mfa="TRUE"), "mfa", True),
    "nested in a field of no meaning": (event(_A, extra={"a": [1]}), "plan", "free"),
    "field of another type": (event("key.revoked", amount_usd=-4), "amount_usd", None),
    "odd field of another type": (event(_USE, reason={"a": 1}), "reason", None),
}


def test_unusual_spellings_are_understood(take: Take, ledger: Ledger) -> None:
    sent = [{**one, "event_id": what} for what, (one, _, _) in _FINE.items()]
    assert take(sent) == Counts(len(sent), len(sent), 0, 0)
    stored = _stored(ledger)
    found = {what: stored[what][field] for what, (_, field, _) in _FINE.items()}
    assert found == {what: value for what, (_, _, value) in _FINE.items()}


def test_columns_have_the_kinds_of_the_contract(take: Take, ledger: Ledger) -> None:
    take([event(name, number) for number, name in enumerate(sorted(BODIES))])
    with ledger.connect() as connection:
        rows = connection.execute("DESCRIBE events").fetchall()
    kinds = {name: kind for name, kind, *_ in rows}
    assert {kinds[name] for name in TIMES} == {"TIMESTAMP"}
    assert {kinds[name] for name in MONEY} == {"DECIMAL(18,9)"}
    assert {kinds[name] for name in WHOLE - {"http_status"}} == {"BIGINT"}
    assert {kinds[name] for name in FLAGS} == {"BOOLEAN"}
    others = set(kinds) - TIMES - MONEY - WHOLE - FLAGS
    assert {kinds[name] for name in others} == {"VARCHAR"}
