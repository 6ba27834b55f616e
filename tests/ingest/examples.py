"""One full event of each type of the contract, written out by hand."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]

_WHO: Event = {
    "ip": "198.51.100.7",
    "device_id": "d-12345678",
    "device_scheme": "fp",
    "user_agent": "curl/8.1",
    "ja4": "t13d1516h2_8daaf6152771_b0da82dd1658",
    "tenant_id": "ten_1",
}
_REVIEW: Event = {
    "reviewer": "ann",
    "note": "seen twice",
    "expires_at": "2027-01-01T00:00:00Z",
}

# Type: what it requires, one group of which one is required, what is optional.
BODIES: dict[str, tuple[Event, Event, Event]] = {
    "account.created": (
        {"account_id": "a1"},
        {},
        {
            "email": "jo@example.org",
            "phone": "+4915112345678",
            **_WHO,
            "plan": "free",
            "invited_by": "a0",
            "referral_code": "R1",
        },
    ),
    "account.closed": ({"account_id": "a1"}, {}, {"reason": "asked"}),
    "session.started": (
        {"account_id": "a1"},
        {},
        {**_WHO, "method": "password", "mfa": True},
    ),
    "credit.granted": (
        {"account_id": "a1", "amount_usd": 5},
        {},
        {"reason": "trial"},
    ),
    "limit.raised": ({"account_id": "a1"}, {}, {"limit_usd": 100.5, "reason": "asked"}),
    "key.created": (
        {"account_id": "a1", "key_id": "k1"},
        {},
        {
            "key_hash": "ab" * 32,
            "tenant_id": "ten_1",
            "ip": "198.51.100.7",
            "device_id": "d-12345678",
            "scopes": "read write",
            "expires_at": "2027-01-01T00:00:00+02:00",
            "replaces": "k0",
        },
    ),
    "key.revoked": ({"key_id": "k1"}, {}, {"reason": "leaked"}),
    "key.exposed": (
        {},
        {"key_id": "k1", "key_hash": "cd" * 32},
        {
            "exposed_at": "2026-05-01T00:00:00Z",
            "location": "https://example.org/paste",
            "detector": "scanner",
            "verified": False,
        },
    ),
    "usage.recorded": (
        {},
        {"key_id": "k1", "account_id": "a1"},
        {
            "cost_usd": 0.000123,
            "region": "eu",
            "ja4": "t13",
            "device_id": "d-12345678",
            "tenant_id": "ten_1",
            "end_user": "u1",
            "ip": "198.51.100.7",
            "user_agent": "curl/8.1",
            "model": "m1",
            "endpoint": "/v1",
            "input_tokens": 10,
            "output_tokens": 20,
            "requests": 1,
            "http_status": 200,
            "prompt_hash": "p1",
            "paid_by": "credit",
        },
    ),
    "payment_method.added": (
        {"account_id": "a1", "payment_method_id": "pm1"},
        {},
        {
            "cvc_check": "pass",
            "avs_check": "fail",
            "wallet": False,
            "card_fingerprint": "fp1",
            "card_bin": "424242",
            "card_last4": "4242",
            "card_funding": "prepaid",
            "card_country": "US",
        },
    ),
    "payment.charged": (
        {"account_id": "a1", "amount_usd": 20},
        {},
        {
            "charge_id": "ch1",
            "payment_method_id": "pm1",
            "status": "declined",
            "decline_code": "do_not_honor",
        },
    ),
    "payment.disputed": (
        {},
        {"charge_id": "ch1", "payment_method_id": "pm1", "account_id": "a1"},
        {
            "amount_usd": 20,
            "reason": "fraudulent",
            "kind": "chargeback",
            "outcome": "open",
        },
    ),
    "payment.refunded": ({"charge_id": "ch1"}, {}, {"amount_usd": 20}),
    "quota.set": (
        {"tenant_id": "ten_1"},
        {},
        {"limit_usd": 1000, "limit_tokens": 5000000, "period": "month"},
    ),
    "member.added": (
        {"tenant_id": "ten_1", "account_id": "a1"},
        {},
        {"role": "admin", "invited_by": "a0"},
    ),
    "member.removed": (
        {"tenant_id": "ten_1", "account_id": "a1"},
        {},
        {"role": "admin", "invited_by": "a0"},
    ),
    "identifier.seen": (
        {"account_id": "a1", "kind": "wallet", "value": "0xabc"},
        {},
        {"ip": "198.51.100.7"},
    ),
    "account.reviewed": ({"account_id": "a1", "verdict": "abusive"}, {}, _REVIEW),
    "key.reviewed": ({"key_id": "k1", "verdict": "legitimate"}, {}, _REVIEW),
    "tenant.reviewed": ({"tenant_id": "ten_1", "verdict": "withdrawn"}, {}, _REVIEW),
}

IDENTIFIERS = frozenset(
    {"email", "phone", "ip", "device_id", "user_agent", "card_fingerprint", "key_hash"}
    | {"value"}
)
TIMES = frozenset({"occurred_at", "expires_at", "exposed_at"})
MONEY = frozenset({"amount_usd", "cost_usd", "limit_usd"})
WHOLE = frozenset(
    {"input_tokens", "output_tokens", "requests", "http_status", "limit_tokens"}
)
FLAGS = frozenset({"mfa", "verified", "wallet"})


def event(name: str, number: int = 1, **changes: object) -> Event:
    """Give a full event of a type; a change to None takes a field out."""
    required, one_of, optional = BODIES[name]
    body = {
        "event_id": f"e{number}",
        "type": name,
        "occurred_at": "2026-06-01T12:00:00Z",
        **required,
        **one_of,
        **optional,
        **changes,
    }
    return {field: value for field, value in body.items() if value is not None}
