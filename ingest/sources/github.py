"""GitHub secret scanning: alerts of the REST API and of webhooks, partner reports.

A key is named by the hash of the raw secret, or by its id where the secret is an AWS
access key id. The raw secret is hashed in the same query that reads it, and a bad
record is never kept. A webhook's alert has no secret: it needs the REST API's.
"""

from __future__ import annotations

from ingest.sources.adapter import OTHER, Adapter, Event, Record, Shape, texts
from ingest.sources.leaks import exposure
from ingest.sources.source import Source

_ALERT = texts(
    "number created_at html_url secret secret_type resolution resolved_at state"
)
SHAPE: Shape = {
    **texts("action received_at token token_sha256 type url source"),
    **_ALERT,
    "alert": _ALERT,
    "repository": texts("full_name"),
}

KIND = f"""CASE
    WHEN r.token IS NOT NULL OR r.token_sha256 IS NOT NULL THEN 'partner'
    WHEN r.alert.number IS NOT NULL AND r.action IN ('created', 'publicly_leaked',
        'reopened') THEN 'alert'
    WHEN r.alert.number IS NOT NULL THEN '{OTHER}'
    WHEN r.number IS NOT NULL AND r.secret_type IS NOT NULL THEN 'alert' END"""


def _of(name: str) -> str:
    return f"coalesce(r.alert.{name}, r.{name})"


ALERT = exposure(
    "alert",
    f"coalesce({_of('html_url')}, r.repository.full_name || '#' || {_of('number')})",
    raw=_of("secret"),
    found_at=_of("created_at"),
    location=_of("html_url"),
    detector=f"'github:' || {_of('secret_type')}",
)
PARTNER = exposure(
    "partner",
    "coalesce(r.url, '')",
    raw="coalesce(r.token_sha256, r.token)",
    found_at="r.received_at",
    location="r.url",
    detector="'github-partner:' || r.type",
)
REVOKED = Event(
    "alert",
    "key.revoked",
    f"'github:revoked:' || {_of('html_url')}",
    _of("resolved_at"),
    {"key_id": _of("secret"), "reason": "'github: revoked'"},
    when=f"{_of('resolution')} = 'revoked'"
    f" AND regexp_full_match({_of('secret')}, '(AKIA|ASIA)[A-Z0-9]{{16}}')",
)


def _recognises(record: Record) -> bool:
    keys = record.keys()
    alert = {"number", "secret_type", "state"} <= keys
    webhook = {"action", "alert", "repository"} <= keys
    partner = {"type", "url", "source"} <= keys
    return alert or webhook or (partner and bool({"token", "token_sha256"} & keys))


SOURCE = Source(
    "github",
    "GitHub secret scanning: REST alerts, webhooks and partner reports",
    _recognises,
    Adapter(
        SHAPE,
        KIND,
        (ALERT, PARTNER, REVOKED),
        problems={
            f"kind = 'alert' AND {_of('secret')} IS NULL": (
                "secret: is missing: give the alert as the REST API lists it"
            ),
        },
    ),
    ("reports",),
    secret=True,
)
