"""Stripe: webhook events, and the objects themselves as the API lists them.

An account is what `metadata.account_id` or `metadata.user_id` names, else the Stripe
customer. A customer whose metadata names an account also yields the identifier
`customer`, and so does a Checkout session's `client_reference_id`, unless the session
came from a payment link, where the buyer himself can set it in the address.
"""

from __future__ import annotations

from ingest.sources.adapter import OTHER, Adapter, Event, Record, Shape, epoch, texts
from ingest.sources.source import Source

_CARD = {
    **texts("fingerprint iin last4 funding country wallet"),
    "checks": texts("cvc_check address_postal_code_check address_line1_check"),
}
SHAPE: Shape = {
    **texts("id object created customer amount currency status reason charge"),
    **texts("payment_method failure_code fraud_type category effective_at voided_at"),
    **texts("client_reference_id payment_link email phone type"),
    "event": texts("id type created"),
    "metadata": texts("account_id user_id tenant_id plan reason referral_code"),
    "outcome": texts("reason"),
    "card": _CARD,
    "payment_method_details": {"card": _CARD},
    "credit": texts("value currency"),
    "settled": texts("amount currency"),
}

# The object, with what its event says about it in a member of its own; amounts that
# sit at several depths are brought to one.
BODY = """CASE WHEN json_extract_string(record, '$.object') = 'event'
    THEN json_merge_patch(json_extract(record, '$.data.object'), json_object(
        'event', json_object('id', json_extract(record, '$.id'),
                             'type', json_extract(record, '$.type'),
                             'created', json_extract(record, '$.created')),
        'credit', json_extract(record, '$.data.object.amount.monetary'),
        'settled', json_extract(record, '$.data.object.balance_transaction')))
    ELSE json_merge_patch(record, json_object(
        'credit', json_extract(record, '$.amount.monetary'),
        'settled', json_extract(record, '$.balance_transaction'))) END"""

_ABOUT = ("customer", "payment_method", "charge", "refund", "dispute")
_DOTTED = {
    "radar.early_fraud_warning": "warning",
    "billing.credit_grant": "credit",
    "checkout.session": "checkout",
}
_KINDS = " ".join(
    [f"WHEN '{one}' THEN '{one}'" for one in _ABOUT]
    + [f"WHEN '{one}' THEN '{kind}'" for one, kind in _DOTTED.items()]
)
KIND = f"""CASE WHEN r.id IS NOT NULL AND r.object IS NOT NULL
    THEN CASE r.object {_KINDS} ELSE '{OTHER}' END END"""


def _id(text: str) -> str:
    """Give the id of what Stripe names either by its id or as the whole object."""
    return (
        f"CASE WHEN starts_with({text}, '{{') AND json_valid({text})"
        f" THEN json_extract_string({text}, '$.id') ELSE {text} END"
    )


def _of_customer(name: str) -> str:
    return (
        "CASE WHEN starts_with(r.customer, '{') AND json_valid(r.customer)"
        f" THEN json_extract_string(r.customer, '$.metadata.{name}') END"
    )


_NAMED = "coalesce(r.metadata.account_id, r.metadata.user_id)"
_ACCOUNT = (
    f"coalesce({_NAMED}, {_of_customer('account_id')}, {_of_customer('user_id')},"
    f" {_id('r.customer')})"
)
_CREATED = epoch("r.created")
_SEEN = epoch("coalesce(r.event.created, r.created)")


def _usd(amount: str, currency: str) -> str:
    return (
        f"CASE WHEN lower({currency}) = 'usd'"
        f" THEN (TRY_CAST({amount} AS DECIMAL(18, 0)) * 0.01)::VARCHAR END"
    )


# What was settled in dollars counts where the price was in another currency.
_AMOUNT = (
    f"coalesce({_usd('r.amount', 'r.currency')},"
    f" {_usd('r.settled.amount', 'r.settled.currency')})"
)


def _check(text: str) -> str:
    return f"CASE WHEN {text} IN ('pass', 'fail') THEN {text} END"


def _card(of: str) -> dict[str, str]:
    known = "('credit', 'debit', 'prepaid')"
    avs = f"coalesce({of}.checks.address_postal_code_check,"
    avs += f" {of}.checks.address_line1_check)"
    return {
        "card_fingerprint": f"{of}.fingerprint",
        "card_bin": f"{of}.iin",
        "card_last4": f"{of}.last4",
        "card_funding": f"CASE WHEN {of}.funding IN {known} THEN {of}.funding END",
        "card_country": f"{of}.country",
        "cvc_check": _check(f"{of}.checks.cvc_check"),
        "avs_check": _check(avs),
        "wallet": f"{of}.wallet IS NOT NULL",
    }


ACCOUNT = Event(
    "customer",
    "account.created",
    "'stripe:customer:' || r.id",
    _CREATED,
    {
        "account_id": f"coalesce({_NAMED}, r.id)",
        "email": "r.email",
        "phone": "r.phone",
        "tenant_id": "r.metadata.tenant_id",
        "plan": "r.metadata.plan",
        "referral_code": "r.metadata.referral_code",
    },
    when="coalesce(r.event.type, '') NOT IN ('customer.deleted')",
    snapshot=True,
)
ALIAS = Event(
    "customer",
    "identifier.seen",
    "'stripe:alias:' || r.id",
    _CREATED,
    {"account_id": _NAMED, "kind": "'customer'", "value": "r.id"},
    when=f"{_NAMED} IS NOT NULL",
    snapshot=True,
)
CLOSED = Event(
    "customer",
    "account.closed",
    "'stripe:' || r.event.id",
    _SEEN,
    {"account_id": f"coalesce({_NAMED}, r.id)", "reason": "'customer deleted'"},
    when="r.event.type = 'customer.deleted'",
)
CHECKOUT = Event(
    "checkout",
    "identifier.seen",
    "'stripe:alias:' || r.id",
    _CREATED,
    {
        "account_id": "r.client_reference_id",
        "kind": "'customer'",
        "value": _id("r.customer"),
    },
    when="""r.payment_link IS NULL AND r.client_reference_id IS NOT NULL
        AND r.customer IS NOT NULL""",
)
METHOD = Event(
    "payment_method",
    "payment_method.added",
    "'stripe:method:' || r.id",
    _CREATED,
    {"account_id": _ACCOUNT, "payment_method_id": "r.id", **_card("r.card")},
    when=f"r.type = 'card' AND {_ACCOUNT} IS NOT NULL",
    snapshot=True,
)
# A card that was declined at once is never attached, and only its charge shows it.
USED_METHOD = Event(
    "charge",
    "payment_method.added",
    "'stripe:card:' || r.id",
    _CREATED,
    {
        "account_id": _ACCOUNT,
        "payment_method_id": _id("r.payment_method"),
        **_card("r.payment_method_details.card"),
    },
    when=f"""r.payment_method IS NOT NULL AND {_ACCOUNT} IS NOT NULL
        AND r.payment_method_details.card.fingerprint IS NOT NULL""",
)
CHARGE = Event(
    "charge",
    "payment.charged",
    "'stripe:charge:' || r.id",
    _CREATED,
    {
        "account_id": _ACCOUNT,
        "amount_usd": _AMOUNT,
        "charge_id": "r.id",
        "payment_method_id": _id("r.payment_method"),
        "status": """CASE r.status WHEN 'failed' THEN 'declined'
            ELSE r.status END""",
        "decline_code": """CASE WHEN r.status = 'failed'
            THEN coalesce(r.outcome.reason, r.failure_code) END""",
    },
    when="coalesce(r.status, '') <> 'pending'",
)
REFUND = Event(
    "refund",
    "payment.refunded",
    "'stripe:refund:' || r.id",
    _CREATED,
    {"charge_id": _id("r.charge"), "amount_usd": _AMOUNT},
    when="coalesce(r.status, 'succeeded') = 'succeeded'",
)
DISPUTE = Event(
    "dispute",
    "payment.disputed",
    "'stripe:dispute:' || r.id || coalesce(':' || r.event.id, '')",
    _SEEN,
    {
        "charge_id": _id("r.charge"),
        "amount_usd": _usd("r.amount", "r.currency"),
        "reason": "r.reason",
        # An inquiry asks before the money is taken back, as a fraud warning does.
        "kind": """CASE WHEN starts_with(r.status, 'warning_')
            THEN 'early_fraud_warning' ELSE 'chargeback' END""",
        "outcome": """CASE WHEN r.status IN ('won', 'lost') THEN r.status
            WHEN r.status IN ('warning_closed', 'prevented') THEN 'withdrawn'
            ELSE 'open' END""",
    },
    snapshot=True,
)
WARNING = Event(
    "warning",
    "payment.disputed",
    "'stripe:warning:' || r.id",
    _CREATED,
    {
        "charge_id": _id("r.charge"),
        "reason": "r.fraud_type",
        "kind": "'early_fraud_warning'",
        "outcome": "'open'",
    },
)
CREDIT = Event(
    "credit",
    "credit.granted",
    "'stripe:credit:' || r.id",
    epoch("coalesce(r.effective_at, r.created)"),
    {
        "account_id": _ACCOUNT,
        "amount_usd": _usd("r.credit.value", "r.credit.currency"),
        "reason": """CASE WHEN r.metadata.reason IN ('trial', 'reset', 'promo')
            THEN r.metadata.reason WHEN r.category = 'paid' THEN 'purchase'
            WHEN r.category = 'promotional' THEN 'promo' END""",
    },
    when="r.voided_at IS NULL",
)


def _recognises(record: Record) -> bool:
    named = record.get("object")
    if named == "event":
        return isinstance(record.get("data"), dict) and "pending_webhooks" in record
    return "livemode" in record and (named in _ABOUT or named in _DOTTED)


NOT_DOLLARS = "currency: is not US dollars, and no settled amount in dollars is there"
_PRICED = "kind IN ('charge', 'refund') AND r.status <> 'pending'"

SOURCE = Source(
    "stripe",
    "Stripe customers, cards, charges, disputes, fraud warnings and credit grants",
    _recognises,
    Adapter(
        SHAPE,
        KIND,
        (
            *(ACCOUNT, ALIAS, CLOSED, CHECKOUT, METHOD, USED_METHOD, CHARGE),
            *(REFUND, DISPUTE, WARNING, CREDIT),
        ),
        unknown="record: is neither a Stripe event nor an object of Stripe's API",
        body=BODY,
        problems={
            f"{_PRICED} AND lower(r.currency) <> 'usd' AND {_AMOUNT} IS NULL": (
                NOT_DOLLARS
            ),
        },
    ),
    ("data",),
)
