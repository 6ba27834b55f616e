"""Webhooks: signed after Standard Webhooks, sent only where the user says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from graph.exports.package import ExportError, Settings
from graph.exports.webhook import Message, send, sign
from ingest.errors import UsageError
from tests.graph.exports.world import NOON, SECRET, Desk


def verifies(delivery: dict[str, Any], secret: str = SECRET) -> bool:
    """The receiver's side, after the specification's text."""
    head = delivery["headers"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{head['webhook-id']}.{head['webhook-timestamp']}.{delivery['body']}"
    digest = hmac.new(key, content.encode(), hashlib.sha256).digest()
    return bool(head["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}")


def test_the_specifications_own_example() -> None:
    # github.com/standard-webhooks/standard-webhooks, libraries/python, its test vector.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert digest == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert verifies(sign(Message("m", "test", {}), secret, NOON), secret)


def deliveries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_delivery_is_signed_and_names_decision_and_expiry(tmp_path: Path) -> None:
    out, rollback, _ = Desk.at(tmp_path).export("webhook", "bans.jsonl")
    for path, kind in ((out, "approved"), (rollback, "withdrawn")):
        for delivery in deliveries(path):
            assert verifies(delivery)
            body = json.loads(delivery["body"])
            assert body["type"] == f"ringfence.decision.{kind}"
            assert body["data"]["expires_at"] == "2026-08-01T00:00:00Z"
            assert body["data"]["decision_id"] in delivery["headers"]["webhook-id"]


def test_a_changed_body_or_secret_does_not_verify(tmp_path: Path) -> None:
    out = Desk.at(tmp_path).export("webhook", "bans.jsonl")[0]
    delivery = deliveries(out)[0]
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert not verifies(delivery, other)
    delivery["body"] = delivery["body"].replace("acct-1", "acct-2")
    assert not verifies(delivery)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "plain", "whsec_ü"])
def test_a_weak_secret_is_refused_and_not_shown(tmp_path: Path, secret: str) -> None:
    with pytest.raises(UsageError, match="RINGFENCE_WEBHOOK_SECRET") as refused:
        Desk.at(tmp_path).export(
            "webhook", "bans.jsonl", settings=Settings(webhook_secret=secret)
        )
    assert "c2hvcnQ" not in str(refused.value)
    assert SECRET not in repr(Settings(webhook_secret=SECRET))


@contextmanager
def receiver(status: int = 204, location: str = "") -> Iterator[tuple[str, list[Any]]]:
    """A server on a free port of the loopback, and what reached it."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            head = {name.lower(): value for name, value in self.headers.items()}
            got.append({"headers": head, "body": body, "path": self.path})
            self.send_response(status)
            if location:
                self.send_header("location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join()


def lines(tmp_path: Path) -> list[str]:
    out = Desk.at(tmp_path).export("webhook", "bans.jsonl")[0]
    return out.read_text().splitlines()


def test_what_arrives_is_signed_anew_under_the_same_id(tmp_path: Path) -> None:
    later = NOON + timedelta(days=1)
    made = [json.loads(line) for line in lines(tmp_path)]
    with receiver() as (url, got):
        statuses = send(lines(tmp_path), f"{url}/hook?a=1", SECRET, later)
    assert statuses == [204] * len(made)
    for before, after in zip(made, got, strict=True):
        assert verifies(after)
        assert after["path"] == "/hook?a=1"
        assert after["body"] == before["body"]
        head = (before["headers"]["webhook-id"], after["headers"]["webhook-id"])
        assert head[0] == head[1]
        stamps = [int(one["headers"]["webhook-timestamp"]) for one in (before, after)]
        assert stamps[1] - stamps[0] == 86400


@pytest.mark.parametrize("status", [301, 302, 307, 400, 500])
def test_a_refusal_or_redirect_stops_there(tmp_path: Path, status: int) -> None:
    with (
        receiver() as (elsewhere, strayed),
        receiver(status, f"{elsewhere}/x") as (url, got),
        pytest.raises(ExportError, match=f"answered {status}"),
    ):
        send(lines(tmp_path), url, SECRET, NOON)
    assert len(got) == 1
    assert strayed == []


def test_no_proxy_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as (proxy, strayed), receiver() as (url, got):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("HTTP_PROXY", proxy)
        send(lines(tmp_path)[:1], url, SECRET, NOON)
    assert len(got) == 1
    assert strayed == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://user:word@example.com/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "example.com",
        "",
    ],
)
def test_places_that_are_not_safe_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="https") as refused:
        send(["{}"], url, SECRET, NOON)
    assert "word" not in str(refused.value)


def test_a_receiver_that_is_gone_is_named(tmp_path: Path) -> None:
    with receiver() as (url, _):
        gone = url
    with pytest.raises(ExportError, match=r"127\.0\.0\.1 can't be reached"):
        send(lines(tmp_path)[:1], gone, SECRET, NOON)
