"""The event contract as this world writes it: the columns of each type, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIELDS: Final[Mapping[str, str]] = {
    "account.created": "account_id email phone ip device_id device_scheme user_agent "
    "ja4 tenant_id plan invited_by referral_code",
    "account.closed": "account_id reason",
    "session.started": "account_id ip device_id device_scheme user_agent ja4 tenant_id "
    "method mfa",
    "credit.granted": "account_id amount_usd reason",
    "limit.raised": "account_id limit_usd reason",
    "key.created": "account_id key_id key_hash tenant_id ip device_id scopes "
    "expires_at replaces",
    "key.revoked": "key_id reason",
    "key.exposed": "key_id key_hash exposed_at location detector verified",
    "usage.recorded": "key_id account_id tenant_id end_user ip device_id user_agent "
    "ja4 region model endpoint input_tokens output_tokens requests http_status "
    "cost_usd prompt_hash paid_by",
    "payment_method.added": "account_id payment_method_id card_fingerprint card_bin "
    "card_last4 card_funding card_country cvc_check avs_check wallet",
    "payment.charged": "account_id amount_usd charge_id payment_method_id status "
    "decline_code",
    "payment.disputed": "charge_id payment_method_id account_id amount_usd reason "
    "kind outcome",
    "payment.refunded": "charge_id amount_usd",
    "quota.set": "tenant_id limit_usd limit_tokens period",
    "member.added": "tenant_id account_id role invited_by",
    "member.removed": "tenant_id account_id role",
    "identifier.seen": "account_id kind value ip",
    "account.reviewed": "account_id verdict reviewer note",
    "key.reviewed": "key_id verdict reviewer note",
    "tenant.reviewed": "tenant_id verdict reviewer note",
}

SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "usage": ("usage.recorded",),
    "identity": (
        "account.created", "account.closed", "session.started", "identifier.seen",
    ),
    "keys": ("key.created", "key.revoked", "key.exposed"),
    "payments": (
        "credit.granted", "limit.raised", "payment_method.added", "payment.charged",
        "payment.disputed", "payment.refunded",
    ),
    "tenants": ("quota.set", "member.added", "member.removed"),
    "reviews": ("account.reviewed", "key.reviewed", "tenant.reviewed"),
}  # fmt: skip
"""Which system of the site logs which types: one set of files each."""

NUMBERS: Final = frozenset(
    (
        "amount_usd", "limit_usd", "limit_tokens", "input_tokens", "output_tokens",
        "requests", "http_status", "cost_usd", "mfa", "verified", "wallet",
    )
)  # fmt: skip
"""Fields that are no text: numbers and flags."""

TIMES: Final = frozenset(("expires_at", "exposed_at"))
