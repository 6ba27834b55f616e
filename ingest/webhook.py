"""Deliveries of Stripe and GitHub, taken on the loopback into a folder.

A delivery is verified before it is parsed. One that is unsigned, wrongly signed, too
old or here a second time is refused. What is taken lies in the folder as a file that
`ingest.follow` finds; a partner report is written with its tokens hashed.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ingest.errors import UsageError
from ingest.signatures import (
    fingerprint,
    github_is_genuine,
    partner_is_genuine,
    partner_keys,
    stripe_is_genuine,
)

MOST_BYTES = 2 << 20
"""A longer body is no event of either system."""

_SECONDS = 10.0


@dataclass(frozen=True)
class Secrets:
    """What deliveries are verified with; an empty one closes its door."""

    stripe: str = field(default="", repr=False)
    github: str = field(default="", repr=False)
    partner: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls) -> Secrets:
        """Read `RINGFENCE_STRIPE_WEBHOOK_SECRET`, `RINGFENCE_GITHUB_WEBHOOK_SECRET`
        and the file that `RINGFENCE_GITHUB_PUBLIC_KEYS` names.

        Raises `UsageError` where none is set.
        """
        named = os.environ.get("RINGFENCE_GITHUB_PUBLIC_KEYS")
        found = cls(
            os.environ.get("RINGFENCE_STRIPE_WEBHOOK_SECRET", ""),
            os.environ.get("RINGFENCE_GITHUB_WEBHOOK_SECRET", ""),
            partner_keys(Path(named)) if named else {},
        )
        if not (found.stripe or found.github or found.partner):
            raise UsageError(
                "no webhook secret is set: set RINGFENCE_STRIPE_WEBHOOK_SECRET,"
                " RINGFENCE_GITHUB_WEBHOOK_SECRET or RINGFENCE_GITHUB_PUBLIC_KEYS"
            )
        return found


@dataclass(frozen=True)
class Delivery:
    """One request as it came; header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Give a header, empty where there is none."""
        return self.headers.get(name, "")


@dataclass(frozen=True)
class Answer:
    """An HTTP status and one line that says why."""

    status: int
    says: str


_TAKEN = Answer(200, "taken")
_KNOWN = Answer(200, "known already")
_REPLAYED = Answer(409, "replayed: this delivery was taken before")
_UNSIGNED = Answer(401, "not genuine: the signature is missing, wrong or too old")
_NOT_JSON = Answer(400, "the body is not what this address takes")
_NOWHERE = Answer(404, "no such address, or its secret is not set")


@dataclass(frozen=True)
class Inbox:
    """The folder into which genuine deliveries go, each once.

    `now` gives seconds since 1970.
    """

    folder: Path
    secrets: Secrets
    now: Callable[[], float]

    def take(self, delivery: Delivery) -> Answer:
        """Verify, then parse, then keep a delivery."""
        doors = {
            "/stripe": (self.secrets.stripe, self._stripe),
            "/github": (self.secrets.github, self._github),
            "/github-partner": (self.secrets.partner, self._partner),
        }
        secret, door = doors.get(delivery.path, ("", self._stripe))
        return door(delivery) if secret else _NOWHERE

    def _stripe(self, delivery: Delivery) -> Answer:
        header = delivery.header("stripe-signature")
        secret = self.secrets.stripe
        if not stripe_is_genuine(delivery.body, header, secret, self.now()):
            return _UNSIGNED
        event = _parsed(delivery.body)
        if not isinstance(event, dict) or not isinstance(event.get("id"), str):
            return _NOT_JSON
        # Stripe signs each attempt anew: the same signature twice is a replay, the
        # same event under another one is Stripe asking again.
        if self._seen(fingerprint(header.encode(), delivery.body)):
            return _REPLAYED
        name = fingerprint(b"stripe", event["id"].encode())
        again = self._seen(name)
        if not again:
            self._keep(f"stripe-{name[:32]}.json", delivery.body)
            self._remember(name)
        self._remember(fingerprint(header.encode(), delivery.body))
        return _KNOWN if again else _TAKEN

    def _github(self, delivery: Delivery) -> Answer:
        header = delivery.header("x-hub-signature-256")
        if not github_is_genuine(delivery.body, header, self.secrets.github):
            return _UNSIGNED
        if not isinstance(_parsed(delivery.body), dict):
            return _NOT_JSON
        return self._once("github", delivery.body, delivery.body)

    def _partner(self, delivery: Delivery) -> Answer:
        genuine = partner_is_genuine(
            delivery.body,
            delivery.header("github-public-key-identifier"),
            delivery.header("github-public-key-signature"),
            self.secrets.partner,
        )
        if not genuine:
            return _UNSIGNED
        reports = _parsed(delivery.body)
        if not isinstance(reports, list):
            return _NOT_JSON
        at = datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="seconds")
        kept = [_without_token(one, at) for one in reports if isinstance(one, dict)]
        text = json.dumps({"received_at": at, "reports": kept}).encode()
        return self._once("github-partner", delivery.body, text)

    def _once(self, kind: str, body: bytes, text: bytes) -> Answer:
        """Keep a delivery whose signature holds no time: its body may come once."""
        name = fingerprint(kind.encode(), body)
        if self._seen(name):
            return _REPLAYED
        self._keep(f"{kind}-{name[:32]}.json", text)
        self._remember(name)
        return _TAKEN

    def _seen(self, name: str) -> bool:
        return (self.folder / ".seen" / name).exists()

    def _remember(self, name: str) -> None:
        folder = self.folder / ".seen"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / name).touch(mode=0o600)

    def _keep(self, name: str, text: bytes) -> None:
        """Write a file, whole or not at all; a crash before it is remembered is mended
        by the sender, who asks again, and by the ledger, which knows the event."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.folder / f".{name}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / name)


def _parsed(body: bytes) -> object:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found


def _without_token(report: Mapping[str, Any], at: str) -> dict[str, Any]:
    """Replace the raw token by its hash, which is how the proxy names the key."""
    kept = {name: report.get(name) for name in ("type", "url", "source")}
    token = report.get("token")
    hashed = hashlib.sha256(str(token).encode()).hexdigest() if token else None
    return {**kept, "token_sha256": hashed, "received_at": at}


def server(inbox: Inbox, port: int = 0) -> ThreadingHTTPServer:
    """Make a server on the loopback alone; port 0 asks the system for a free one."""
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS
        server_version = "ringfence"
        sys_version = ""

        def do_POST(self) -> None:
            """Take one delivery."""
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdigit()):
                self._say(Answer(411, "a Content-Length is needed"))
            elif int(length) > MOST_BYTES:
                self._say(Answer(413, "the body is too long"))
            else:
                headers = {name.lower(): text for name, text in self.headers.items()}
                body = self.rfile.read(int(length))
                with one_at_a_time:
                    answer = inbox.take(Delivery(self.path, headers, body))
                self._say(answer)

        def _say(self, answer: Answer) -> None:
            text = (answer.says + "\n").encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing: a path or a header may hold what must not be logged."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
