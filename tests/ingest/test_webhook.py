"""Only genuine deliveries are taken, and each of them once."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ingest.errors import UsageError
from ingest.ledger import Ledger
from ingest.signatures import partner_keys
from ingest.webhook import MOST_BYTES, Delivery, Inbox, Secrets, server

NOW = 1_750_000_000.0
STRIPE, GITHUB = "whsec_of_the_tests", "secret of the tests"
EVENT = {
    "object": "event",
    "id": "evt_1",
    "type": "customer.deleted",
    "created": 1750000000,
    "pending_webhooks": 1,
    "data": {"object": {"object": "customer", "id": "cus_1", "created": 1740000000}},
}
BODY = json.dumps(EVENT).encode()
RAW = "sk-" + "raw0" * 8
REPORT = {
    "token": RAW,
    "type": "example_key",
    "url": "https://x/1",
    "source": "content",
}
REPORTS = json.dumps([REPORT]).encode()
PRIVATE = ec.derive_private_key(7, ec.SECP256R1())
PEM = PRIVATE.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    secrets = Secrets(STRIPE, GITHUB, {"kid": PEM.decode()})
    return Inbox(tmp_path / "inbox", secrets, lambda: NOW)


def stripe(body: bytes = BODY, at: float = NOW, secret: str = STRIPE) -> Delivery:
    signed = f"{at:.0f}.".encode() + body
    digest = hmac.digest(secret.encode(), signed, "sha256").hex()
    header = f"t={at:.0f},v0=ignored,v1={'0' * 64},v1={digest}"
    return Delivery("/stripe", {"stripe-signature": header}, body)


def github(body: bytes = b'{"action": "created"}', secret: str = GITHUB) -> Delivery:
    digest = hmac.digest(secret.encode(), body, "sha256").hex()
    return Delivery("/github", {"x-hub-signature-256": f"sha256={digest}"}, body)


def partner(body: bytes = REPORTS, kid: str = "kid", signed: bytes = b"") -> Delivery:
    signature = PRIVATE.sign(signed or body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "github-public-key-identifier": kid,
        "github-public-key-signature": base64.b64encode(signature).decode(),
    }
    return Delivery("/github-partner", headers, body)


def kept(inbox: Inbox) -> list[str]:
    return sorted(path.name.split("-")[0] for path in inbox.folder.glob("*.json"))


def test_a_genuine_delivery_is_kept_and_a_replay_is_refused(inbox: Inbox) -> None:
    for delivery in (stripe(), github(), partner()):
        assert inbox.take(delivery).status == 200
        assert inbox.take(delivery).status == 409
    assert kept(inbox) == ["github", "github", "stripe"]


def test_stripe_asking_again_is_answered_and_kept_once(inbox: Inbox) -> None:
    assert inbox.take(stripe()).status == 200
    assert inbox.take(stripe(at=NOW + 60)).says == "known already"
    assert kept(inbox) == ["stripe"]


@pytest.mark.parametrize(
    "delivery",
    [
        stripe(at=NOW - 301),
        stripe(at=NOW + 301),
        stripe(secret="another"),
        Delivery("/stripe", {}, BODY),
        Delivery("/stripe", stripe().headers, BODY + b" "),
        Delivery("/stripe", {"stripe-signature": "t=x,v1=é"}, BODY),
        github(secret="another"),
        Delivery("/github", {}, b"{}"),
        Delivery("/github", github().headers, b"{}"),
        partner(kid="unknown"),
        partner(signed=b"another body"),
        Delivery("/github-partner", {}, REPORTS),
        Delivery(
            "/github-partner",
            {
                "github-public-key-identifier": "kid",
                "github-public-key-signature": "not base64!",
            },
            REPORTS,
        ),
    ],
    ids=range(13),
)
def test_what_is_not_genuine_is_refused(inbox: Inbox, delivery: Delivery) -> None:
    assert inbox.take(delivery).status == 401
    assert not inbox.folder.exists()


def test_a_door_without_its_secret_is_shut(tmp_path: Path) -> None:
    shut = Inbox(tmp_path, Secrets(stripe=STRIPE), lambda: NOW)
    assert shut.take(github()).status == 404
    assert shut.take(partner()).status == 404
    assert shut.take(Delivery("/other", {}, b"")).status == 404


def test_a_signed_body_of_another_form_is_refused(inbox: Inbox) -> None:
    for delivery in (stripe(b"[]"), github(b"x"), partner(b"{}"), stripe(b'{"id":1}')):
        assert inbox.take(delivery).status == 400
    assert kept(inbox) == []


def test_a_partner_s_token_is_hashed_and_reaches_the_ledger(
    inbox: Inbox, ledger: Ledger
) -> None:
    inbox.take(partner())
    inbox.take(stripe())
    texts = [path.read_text() for path in inbox.folder.rglob("*.json")]
    assert not any(RAW in text for text in texts)
    counts = ledger.ingest([inbox.folder])
    assert (counts.accepted, counts.quarantined) == (2, 0)
    with ledger.connect() as connection:
        found = connection.sql(
            "SELECT key_hash, verified FROM events WHERE type = 'key.exposed'"
        ).fetchall()
    assert found == [(ledger.pepper.raw_key(RAW), True)]


@pytest.fixture
def port(inbox: Inbox) -> Iterator[int]:
    with server(inbox) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving.server_address[1]
        serving.shutdown()
        thread.join()


def answer(port: int, body: bytes, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/stripe", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_server_takes_what_is_signed(port: int, inbox: Inbox) -> None:
    assert answer(port, BODY, {"Stripe-Signature": "t=1,v1=0"}) == 401
    assert answer(port, BODY, dict(stripe().headers)) == 200
    assert answer(port, b"", {"Content-Length": str(MOST_BYTES + 1)}) == 413
    assert answer(port, b"", {"Content-Length": "many"}) == 411
    assert kept(inbox) == ["stripe"]


def test_the_server_is_on_the_loopback_alone(inbox: Inbox) -> None:
    with server(inbox) as serving:
        assert serving.server_address[0] == "127.0.0.1"


def test_secrets_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="no webhook secret"):
        Secrets.from_environment()
    keys = tmp_path / "keys.json"
    told = {
        "public_keys": [{"key_identifier": "kid", "key": "pem", "is_current": True}]
    }
    keys.write_text(json.dumps(told))
    monkeypatch.setenv("RINGFENCE_GITHUB_PUBLIC_KEYS", str(keys))
    assert Secrets.from_environment().partner == {"kid": "pem"}
    keys.write_text("{}")
    with pytest.raises(UsageError, match="public keys"):
        partner_keys(keys)
    assert STRIPE not in repr(Secrets(STRIPE))
