"""Auth0 tenant logs: sign-ups, logins and deletions, as exported or streamed.

An account is the Auth0 user id (`auth0|…`), which is the `sub` of the user's tokens; a
tenant is the Auth0 organisation. The log names no keys and no devices.
"""

from __future__ import annotations

from ingest.sources.adapter import (
    OTHER,
    Adapter,
    Event,
    Record,
    Shape,
    email,
    texts,
    utc,
)
from ingest.sources.source import Source

SHAPE: Shape = {
    **texts("log_id _id date type ip user_agent user_id user_name connection"),
    **texts("strategy organization_id"),
    "security_context": texts("ja4"),
    "details": {"body": texts("email")},
}

# A log stream wraps the entry in `data`.
BODY = """CASE WHEN json_type(record, '$.data') = 'OBJECT'
    THEN json_extract(record, '$.data') ELSE record END"""

# https://auth0.com/docs/deploy-monitor/logs/log-event-type-codes
KIND = f"""CASE
    WHEN r.type IS NULL OR coalesce(r.log_id, r._id) IS NULL THEN NULL
    WHEN r.type IN ('ss', 'scoa') THEN 'signup'
    WHEN r.type IN ('s', 'ssa', 'sepft', 'seacft', 'seccft') AND r.user_id <> ''
        THEN 'login'
    WHEN r.type = 'sdu' THEN 'deletion'
    ELSE '{OTHER}' END"""

_ID = "'auth0:' || coalesce(r.log_id, r._id)"
_AT = utc("r.date")
_FROM = {
    "account_id": "r.user_id",
    "ip": "r.ip",
    "user_agent": "r.user_agent",
    "ja4": "r.security_context.ja4",
    "tenant_id": "r.organization_id",
}

EVENTS = (
    Event(
        "signup",
        "account.created",
        _ID,
        _AT,
        {**_FROM, "email": f"coalesce(r.details.body.email, {email('r.user_name')})"},
    ),
    Event(
        "login",
        "session.started",
        _ID,
        _AT,
        {**_FROM, "method": "coalesce(r.connection, r.strategy)"},
    ),
    Event(
        "deletion",
        "account.closed",
        _ID,
        _AT,
        {"account_id": "r.user_id", "reason": "'deleted'"},
    ),
)


def _recognises(record: Record) -> bool:
    inner = record.get("data")
    entry = inner if isinstance(inner, dict) else record
    return {"log_id", "date", "type"} <= entry.keys() and "client_id" in entry


SOURCE = Source(
    "auth0",
    "Auth0 tenant logs: sign-ups, logins and deletions",
    _recognises,
    Adapter(
        SHAPE,
        KIND,
        EVENTS,
        unknown="record: lacks log_id or type",
        body=BODY,
    ),
    ("logs",),
)
