"""Anthropic's organisation: usage report, activity feed, API keys and users.

An account is an Anthropic user, a key its id, a tenant the workspace (none is the
default one). The usage report counts tokens and not requests, so each of its rows
counts as one request.
"""

from __future__ import annotations

from ingest.sources.adapter import OTHER, Adapter, Event, Record, Shape, texts
from ingest.sources.source import Source

_INPUT = "uncached_input_tokens cache_read_input_tokens"
_CACHED = "cache_creation_5m_input_tokens cache_creation_1h_input_tokens"
_GROUP = "workspace_id api_key_id account_id service_account_id model service_tier"
SHAPE: Shape = {
    **texts("starting_at ending_at id type created_at workspace_id status email"),
    **texts("added_at organization_id api_key_id service_key_id deleted_user_id"),
    "results": [
        {
            **texts(f"{_GROUP} context_window inference_geo speed output_tokens"),
            **texts(f"{_INPUT} {_CACHED}"),
            "cache_creation": texts(
                "ephemeral_5m_input_tokens ephemeral_1h_input_tokens"
            ),
        }
    ],
    "created_by": texts("id"),
    "actor": texts("type user_id email_address ip_address user_agent"),
}

KIND = f"""CASE
    WHEN r.starting_at IS NOT NULL AND json_exists(record, '$.results') THEN 'bucket'
    WHEN r.id IS NULL OR r.type IS NULL THEN NULL
    WHEN r.type = 'api_key' THEN 'key'
    WHEN r.type = 'user' THEN 'user'
    WHEN r.created_at IS NULL OR NOT json_exists(record, '$.actor') THEN NULL
    WHEN r.type IN ('sso_login_succeeded', 'user_signed_in_sso',
        'user_signed_in_google', 'user_signed_in_magic_link') THEN 'login'
    WHEN r.type IN ('api_key_created', 'service_key_created') THEN 'made'
    WHEN r.type IN ('api_key_deleted', 'api_key_revoked', 'service_key_revoked')
        THEN 'revoked'
    WHEN r.type = 'org_user_deleted' THEN 'closed'
    ELSE '{OTHER}' END"""

_BUCKET_ID = """'anthropic:usage:' || r.starting_at || ':' || coalesce(r.ending_at, '')
    || ':' || left(md5(to_json([one.workspace_id, one.api_key_id, one.account_id,
        one.service_account_id, one.model, one.service_tier, one.context_window,
        one.inference_geo, one.speed])::VARCHAR), 16)"""


def _sum(*names: str) -> str:
    """Add counts up; one that is missing is 0, one that is no number spoils the sum."""
    return " + ".join(
        f"CASE WHEN {name} IS NULL THEN 0 ELSE TRY_CAST({name} AS BIGINT) END"
        for name in names
    )


_INPUTS = _sum(
    *(f"one.{name}" for name in f"{_INPUT} {_CACHED}".split()),
    "one.cache_creation.ephemeral_5m_input_tokens",
    "one.cache_creation.ephemeral_1h_input_tokens",
)
_ID = "'anthropic:' || r.id"
_KEY = "coalesce(r.api_key_id, r.service_key_id)"

EVENTS = (
    Event(
        "bucket",
        "usage.recorded",
        _BUCKET_ID,
        "r.starting_at",
        {
            "account_id": "coalesce(one.account_id, one.service_account_id)",
            "key_id": "one.api_key_id",
            "tenant_id": "one.workspace_id",
            "region": "one.inference_geo",
            "model": "one.model",
            "endpoint": "'messages'",
            # A count that is no number must be seen by the contract's checks.
            "input_tokens": f"coalesce(({_INPUTS})::VARCHAR, 'unreadable')",
            "output_tokens": "one.output_tokens",
        },
        each="r.results",
    ),
    Event(
        "key",
        "key.created",
        "'anthropic:key:' || r.id",
        "r.created_at",
        {
            "account_id": "r.created_by.id",
            "key_id": "r.id",
            "tenant_id": "r.workspace_id",
        },
    ),
    Event(
        "user",
        "account.created",
        "'anthropic:user:' || r.id",
        "r.added_at",
        {"account_id": "r.id", "email": "r.email"},
        snapshot=True,
    ),
    Event(
        "login",
        "session.started",
        _ID,
        "r.created_at",
        {
            "account_id": "r.actor.user_id",
            "ip": "r.actor.ip_address",
            "user_agent": "r.actor.user_agent",
            "method": "r.type",
        },
    ),
    Event(
        "made",
        "key.created",
        _ID,
        "r.created_at",
        {
            "account_id": "r.actor.user_id",
            "key_id": _KEY,
            "tenant_id": "r.workspace_id",
            "ip": "r.actor.ip_address",
        },
        # Some of the feed's entries tell that a key was made and not which.
        when=f"{_KEY} IS NOT NULL",
    ),
    Event(
        "revoked",
        "key.revoked",
        _ID,
        "r.created_at",
        {"key_id": _KEY, "reason": "r.type"},
        when=f"{_KEY} IS NOT NULL",
    ),
    Event(
        "closed",
        "account.closed",
        _ID,
        "r.created_at",
        {"account_id": "r.deleted_user_id", "reason": "r.type"},
    ),
)


def _recognises(record: Record) -> bool:
    bucket = {"starting_at", "ending_at", "results"} <= record.keys()
    activity = {"created_at", "organization_id", "actor", "type"} <= record.keys()
    named = str(record.get("id", "")).startswith(("apikey_", "activity_", "user_"))
    listed = record.get("type") in {"api_key", "user"} and named
    return bucket or activity or listed


SOURCE = Source(
    "anthropic",
    "Anthropic organisation: usage report, activity feed, API keys and users",
    _recognises,
    Adapter(SHAPE, KIND, EVENTS),
    ("data",),
)
