"""No raw key, token or card number reaches the disk, by whatever door it comes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.errors import PepperError
from ingest.ledger import Counts, Ledger
from ingest.pepper import Pepper
from ingest.secrets import Redactor, is_card
from ingest.workspace import Workspace
from tests.ingest.examples import BODIES, FLAGS, MONEY, TIMES, WHOLE, event

Take = Callable[..., Counts]

_TAIL = "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z"
KEYS = (
    "sk-ant-api03-" + _TAIL * 3 + "AA",
    "sk-proj-" + _TAIL + "T3BlbkFJ" + _TAIL,
    "sk-" + _TAIL,
    "sk-or-v1-" + "0a1b" * 16,
    "sk_live_" + _TAIL,
    "rk_live_" + _TAIL,
    "whsec_" + _TAIL,
    "AIza" + (_TAIL + _TAIL)[:35],
    "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
    "gsk_" + (_TAIL * 2)[:52],
    "pplx-" + (_TAIL * 2)[:48],
    "xai-" + (_TAIL * 3)[:80],
    "ghp_" + (_TAIL * 2)[:36],
    "github_pat_" + (_TAIL * 3)[:82],
    "glpat-" + _TAIL[:20],
    "ABSK" + (_TAIL * 4)[:120] + "==",
    "xoxb-1234567890123-1234567890123-" + _TAIL[:24],
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + _TAIL,
)
CARDS = (
    "4111111111111111",
    "4242 4242 4242 4242",
    "5555-5555-5555-4444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
    "6200000000000005",
    "2223003122003222",
    "4222222222222",
)


def _bytes_below(folder: Path) -> bytes:
    parts = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"\0".join(parts)


def _assert_clean(ledger: Ledger, secrets: tuple[str, ...]) -> None:
    """Search the files and, since they are compressed, all that they hold."""
    with ledger.connect() as connection:
        held = b"".join(
            str(connection.execute(f"FROM {view}").fetchall()).encode()
            for view in ("events", "identifiers", "quarantine")
        )
    import duckdb

    vault = ledger.workspace.ledger / "vault" / "*.parquet"
    with duckdb.connect() as connection:
        held += str(connection.read_parquet(str(vault)).fetchall()).encode()
    held += _bytes_below(ledger.workspace.root)
    assert [secret for secret in secrets if secret.encode() in held] == []


def _texts(name: str) -> list[str]:
    required, one_of, optional = BODIES[name]
    others = FLAGS | MONEY | TIMES | WHOLE | {"verdict"}
    return [
        field for field in {**required, **one_of, **optional} if field not in others
    ]


@pytest.mark.parametrize("secret", ["key", "card"])
def test_no_secret_is_stored_through_any_field(
    secret: str, take: Take, ledger: Ledger
) -> None:
    seeds = KEYS if secret == "key" else CARDS
    events, count = [], 0
    for name in BODIES:
        for field in (*_texts(name), "event_id"):
            seed = seeds[count % len(seeds)]
            around = ("{}", "see {} there", "https://x.example/?k={}&b=1")[count % 3]
            count += 1
            changes = {field: around.format(seed)}
            events.append(event(name, count, **changes))
    take([*events, *(json.dumps({"type": "?", "note": seed}) for seed in seeds)])
    take([f'{{"broken {seed}' for seed in seeds], "broken.ndjson")
    _assert_clean(ledger, seeds)


def test_a_raw_key_meets_the_hash_that_a_proxy_logged(
    take: Take, ledger: Ledger, pepper: str
) -> None:
    raw = KEYS[0]
    logged = hashlib.sha256(raw.encode()).hexdigest()
    expected = hmac.digest(pepper.encode(), logged.encode(), "sha256").hex()
    take(
        [
            event("key.created", 1, key_hash=logged.upper()),
            event("key.exposed", 2, key_id=None, key_hash=raw),
            event("key.exposed", 3, key_id=raw, key_hash=None),
            event("usage.recorded", 4, key_id=raw),
            event("key.exposed", 5, key_id=None, key_hash="an unknown make of key"),
        ]
    )
    with ledger.connect() as connection:
        rows = connection.execute(
            "SELECT key_id, key_hash FROM events ORDER BY event_id"
        ).fetchall()
    assert rows[:4] == [
        ("k1", expected),
        (None, expected),
        (expected, expected),
        (expected, expected),
    ]
    assert rows[4][1] not in {None, expected}
    assert ledger.reveal("key_hash", expected) == logged


def test_what_only_looks_like_a_secret_stays(take: Take, ledger: Ledger) -> None:
    innocent = (
        "4111111111111112",
        "1234567890123456789",
        "risk-management-framework-2026",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "task-sk-17",
        "1780000000000",
    )
    take([event("account.closed", n, account_id=t) for n, t in enumerate(innocent)])
    with ledger.connect() as connection:
        rows = connection.execute("SELECT account_id FROM events").fetchall()
    assert {account for (account,) in rows} == set(innocent)


def test_an_access_key_id_names_its_key(take: Take, ledger: Ledger) -> None:
    name = "AKIA" + "ABCDEFGH23456723"
    take([event("key.revoked", 1, key_id=name, reason=f"{name} leaked")])
    with ledger.connect() as connection:
        rows = connection.execute("SELECT key_id, reason FROM events").fetchall()
    assert rows[0][0] == name
    assert name not in rows[0][1]


@pytest.mark.parametrize("digits", [card for card in CARDS if card.isdigit()])
def test_cards_are_known_by_range_length_and_check_digit(digits: str) -> None:
    assert is_card(digits)
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    assert not is_card(wrong)
    assert not is_card("9" + digits[1:])


def test_the_same_secret_has_the_same_hash() -> None:
    redactor = Redactor(Pepper(b"p" * 16))
    spaced, plain = redactor.clean(CARDS[1]), redactor.clean(CARDS[1].replace(" ", ""))
    assert spaced == plain
    assert redactor.clean(spaced) == spaced


def test_another_pepper_refuses_to_start(
    take: Take, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    take([event("account.closed")])
    monkeypatch.setenv("RINGFENCE_PEPPER", "another pepper of enough length")
    with pytest.raises(PepperError, match="not the one"):
        Ledger.open(ledger.workspace)
    monkeypatch.setenv("RINGFENCE_PEPPER", "short")
    with pytest.raises(PepperError, match="shorter"):
        Ledger.open(ledger.workspace)


def test_the_pepper_is_made_once_and_kept_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGFENCE_PEPPER")
    monkeypatch.delenv("RINGFENCE_PEPPER_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    first = Ledger.open(Workspace.open(tmp_path / "w")).pepper
    file = tmp_path / "config" / "ringfence" / "pepper"
    assert file.stat().st_mode & 0o777 == 0o600
    assert Ledger.open(Workspace.open(tmp_path / "w")).pepper == first
    assert first.secret not in _bytes_below(tmp_path / "w")
    assert first.secret.decode() not in repr(first)
    file.chmod(0o644)
    with pytest.raises(PepperError, match="chmod 600"):
        Pepper.load()
    monkeypatch.setenv("RINGFENCE_PEPPER_FILE", str(tmp_path / "w"))
    with pytest.raises(PepperError, match="can't be read"):
        Pepper.load()
