"""The event contract, version 1, declared once; checks and columns are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """What a field holds, with the column type that stores it."""

    TEXT = "VARCHAR"
    TIME = "TIMESTAMP"
    MONEY = "DECIMAL(18,9)"
    WHOLE = "BIGINT"
    STATUS = "INTEGER"
    FLAG = "BOOLEAN"

    @property
    def is_number(self) -> bool:
        """Whether only a number that is not negative may stand here."""
        return self in {Kind.MONEY, Kind.WHOLE, Kind.STATUS}


@dataclass(frozen=True)
class EventType:
    """One row of the contract's table, besides the three fields every event has."""

    name: str
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that this type may carry, the common three first."""
        return COMMON + self.required + self.one_of + self.optional


COMMON = ("event_id", "type", "occurred_at")
USAGE = "usage.recorded"

_WHO = ("ip", "device_id", "device_scheme", "user_agent", "ja4", "tenant_id")
_REVIEW = ("reviewer", "note", "expires_at")
_VERDICTS = {"verdict": ("abusive", "legitimate", "withdrawn")}
_KEY_ENDS = ("expires_at", "replaces")
_TOKENS = ("model", "endpoint", "input_tokens", "output_tokens", "requests")
_CALL = ("cost_usd", "region", "ja4", "device_id", "tenant_id", "end_user", "ip")
_ANSWER = ("http_status", "prompt_hash", "paid_by")
_CARD = ("card_fingerprint", "card_bin", "card_last4", "card_funding", "card_country")
_MEMBER = ("tenant_id", "account_id")

EVENT_TYPES: tuple[EventType, ...] = (
    EventType(
        "account.created",
        ("account_id",),
        optional=("email", "phone", *_WHO, "plan", "invited_by", "referral_code"),
    ),
    EventType("account.closed", ("account_id",), optional=("reason",)),
    EventType("session.started", ("account_id",), optional=(*_WHO, "method", "mfa")),
    EventType(
        "credit.granted",
        ("account_id", "amount_usd"),
        optional=("reason",),
        choices={"reason": ("trial", "reset", "promo", "purchase")},
    ),
    EventType("limit.raised", ("account_id",), optional=("limit_usd", "reason")),
    EventType(
        "key.created",
        ("account_id", "key_id"),
        optional=("key_hash", "tenant_id", "ip", "device_id", "scopes", *_KEY_ENDS),
    ),
    EventType("key.revoked", ("key_id",), optional=("reason",)),
    EventType(
        "key.exposed",
        one_of=("key_id", "key_hash"),
        optional=("exposed_at", "location", "detector", "verified"),
    ),
    EventType(
        USAGE,
        one_of=("key_id", "account_id"),
        optional=(*_CALL, "user_agent", *_TOKENS, *_ANSWER),
        choices={"paid_by": ("credit", "card", "invoice")},
    ),
    EventType(
        "payment_method.added",
        ("account_id", "payment_method_id"),
        optional=("cvc_check", "avs_check", "wallet", *_CARD),
        choices={
            "cvc_check": ("pass", "fail"),
            "avs_check": ("pass", "fail"),
            "card_funding": ("credit", "debit", "prepaid"),
        },
    ),
    EventType(
        "payment.charged",
        ("account_id", "amount_usd"),
        optional=("charge_id", "payment_method_id", "status", "decline_code"),
        choices={"status": ("succeeded", "declined")},
    ),
    EventType(
        "payment.disputed",
        one_of=("charge_id", "payment_method_id", "account_id"),
        optional=("amount_usd", "reason", "kind", "outcome"),
        choices={
            "kind": ("chargeback", "early_fraud_warning"),
            "outcome": ("open", "won", "lost", "withdrawn"),
        },
    ),
    EventType("payment.refunded", ("charge_id",), optional=("amount_usd",)),
    EventType(
        "quota.set",
        ("tenant_id",),
        optional=("limit_usd", "limit_tokens", "period"),
        choices={"period": ("day", "month")},
    ),
    EventType("member.added", _MEMBER, optional=("role", "invited_by")),
    EventType("member.removed", _MEMBER, optional=("role", "invited_by")),
    EventType("identifier.seen", ("account_id", "kind", "value"), optional=("ip",)),
    EventType("account.reviewed", ("account_id", "verdict"), (), _REVIEW, _VERDICTS),
    EventType("key.reviewed", ("key_id", "verdict"), (), _REVIEW, _VERDICTS),
    EventType("tenant.reviewed", ("tenant_id", "verdict"), (), _REVIEW, _VERDICTS),
)

_KINDS: Mapping[str, Kind] = {
    "occurred_at": Kind.TIME,
    "expires_at": Kind.TIME,
    "exposed_at": Kind.TIME,
    "amount_usd": Kind.MONEY,
    "cost_usd": Kind.MONEY,
    "limit_usd": Kind.MONEY,
    "input_tokens": Kind.WHOLE,
    "output_tokens": Kind.WHOLE,
    "requests": Kind.WHOLE,
    "limit_tokens": Kind.WHOLE,
    "http_status": Kind.STATUS,
    "mfa": Kind.FLAG,
    "verified": Kind.FLAG,
    "wallet": Kind.FLAG,
}


def _first_mentions() -> dict[str, Kind]:
    names = (name for event in EVENT_TYPES for name in event.fields)
    return {name: _KINDS.get(name, Kind.TEXT) for name in dict.fromkeys(names)}


FIELDS: Mapping[str, Kind] = _first_mentions()
"""Every field of the contract with its kind, in the order of the stored columns."""

BY_NAME: Mapping[str, EventType] = {event.name: event for event in EVENT_TYPES}

IDENTIFIER_FIELDS: Mapping[str, str] = {
    "email": "email",
    "phone": "phone",
    "ip": "ip",
    "device_id": "device",
    "user_agent": "user_agent",
    "card_fingerprint": "card",
    "key_hash": "key_hash",
}
"""Fields that are stored as a keyed hash, with the kind under which it is kept."""

FREE_TEXT: frozenset[str] = frozenset(
    name
    for event in EVENT_TYPES
    for name in event.fields
    if FIELDS[name] is Kind.TEXT
    and name not in event.choices
    and name not in IDENTIFIER_FIELDS
    and name not in {"type", "value"}
)
"""Fields whose text is stored as it was sent, so that it must hold no secret."""

FURTHER_KINDS: Mapping[str, str] = {
    **IDENTIFIER_FIELDS,
    **{kind: kind for kind in IDENTIFIER_FIELDS.values()},
}
"""What `identifier.seen` may call a kind that has a field of its own."""


def carriers(name: str) -> tuple[str, ...]:
    """Name the event types that carry a field, in the contract's order."""
    return tuple(event.name for event in EVENT_TYPES if name in event.fields)
