"""Signed webhooks: one delivery a decision, after the Standard Webhooks specification.

A delivery is one JSON line: the headers, and `body` as the exact text that is signed.
`webhook-id` is the decision's id, so that a receiver acts on it once. Nothing is sent
but by `send`, to the URL it is given.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from graph.exports.package import (
    Bundle,
    Context,
    Decision,
    ExportError,
    File,
    json_lines,
    rfc3339,
)
from ingest.errors import UsageError

# The specification asks for 24 to 64 bytes.
_LEAST_SECRET_BYTES = 24

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Message:
    """What a receiver is told: `data` under a `kind`, with an id of its own."""

    id: str
    kind: str
    data: Mapping[str, object]

    def body(self, clock: datetime) -> str:
        """The canonical JSON text that is signed and sent; `clock` is naive UTC."""
        document = {"type": self.kind, "timestamp": rfc3339(clock), "data": self.data}
        return json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )


def build(context: Context) -> Bundle:
    """A delivery for each decision, and one that withdraws it."""
    secret = context.settings.webhook_secret
    told = [_approved(decision) for decision in context.decisions]
    taken_back = [_withdrawn(decision) for decision in context.decisions]
    return Bundle(
        files=(File("", _lines(told, secret, context.clock)),),
        rollback=(File("", _lines(taken_back, secret, context.clock)),),
    )


def sign(message: Message, secret: str, clock: datetime) -> dict[str, object]:
    """The delivery of `message`: `headers` and `body`.

    `secret` is `whsec_` and base64, 24 bytes or more. Raises `UsageError` otherwise.
    """
    return _signed(message.id, message.body(clock), secret, clock)


def send(
    deliveries: Iterable[str], url: str, secret: str, clock: datetime
) -> list[int]:
    """Post each delivery (a line of the export) to `url`, signed anew at `clock`.

    No redirect is followed and no proxy used, so nothing reaches another place than
    the one named; plain HTTP only on this machine. Returns the statuses, all 2xx.
    Raises `ExportError` at the first delivery that is refused or does not arrive;
    sending again is safe, for each keeps its id.
    """
    place = _place(url)
    statuses = []
    for line in deliveries:
        delivery = json.loads(line)
        signed = _signed(
            delivery["headers"]["webhook-id"], delivery["body"], secret, clock
        )
        statuses.append(_post(place, signed))
    return statuses


def _lines(messages: Iterable[Message], secret: str, clock: datetime) -> bytes:
    return json_lines([sign(message, secret, clock) for message in messages])


def _approved(decision: Decision) -> Message:
    return Message(
        decision.decision_id, "ringfence.decision.approved", decision.stamp()
    )


def _withdrawn(decision: Decision) -> Message:
    return Message(
        f"{decision.decision_id}.withdrawn",
        "ringfence.decision.withdrawn",
        decision.stamp(),
    )


def _signed(name: str, body: str, secret: str, clock: datetime) -> dict[str, object]:
    moment = str(int(clock.replace(tzinfo=UTC).timestamp()))
    content = f"{name}.{moment}.{body}".encode()
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    return {"headers": headers, "body": body}


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or len(key) < _LEAST_SECRET_BYTES:
        raise UsageError(
            "the webhook secret is missing or weak: set RINGFENCE_WEBHOOK_SECRET to "
            f"whsec_ and {_LEAST_SECRET_BYTES} random bytes or more in base64"
        )
    return key


def _place(url: str) -> SplitResult:
    place = urlsplit(url)
    allowed = place.scheme == "https" or (
        place.scheme == "http" and place.hostname in _LOOPBACK
    )
    if not allowed or not place.hostname or place.username or place.password:
        raise UsageError(
            f"webhooks can't go to {place.scheme}://{place.hostname}: name an https "
            "URL without a user (plain http only on this machine)"
        )
    return place


def _post(place: SplitResult, signed: Mapping[str, object]) -> int:
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=_TIMEOUT_SECONDS)
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    headers = signed["headers"]
    try:
        connection.request("POST", path, str(signed["body"]).encode(), headers)  # type: ignore[arg-type]  # a mapping of text by construction
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise ExportError(
            f"{place.hostname} can't be reached ({type(error).__name__}): "
            "send again once it answers; deliveries keep their ids"
        ) from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise ExportError(
            f"{place.hostname} answered {status}: mend it there and send again; "
            "deliveries keep their ids"
        )
    return status
