"""OpenAI's organisation: usage buckets, costs, audit log, API keys and users.

An account is an OpenAI user or service account, a key its tracking id, a tenant the
project. Usage is by the bucket, so it must be grouped by API key or user to say whose
it is. Costs by API key become usage that carries dollars alone.
"""

from __future__ import annotations

from ingest.sources.adapter import OTHER, Adapter, Event, Record, Shape, epoch, texts
from ingest.sources.source import Source

_GROUP = "project_id user_id api_key_id model batch service_tier"
_RESULT = {
    **texts(f"object input_tokens output_tokens num_model_requests line_item {_GROUP}"),
    "amount": texts("value currency"),
}
_OWNER = {"user": texts("id email"), "service_account": texts("id")}
# The log's members have a dot in their name; some collectors write a low line.
_NAMED = {**texts("id"), "data": {**texts("role"), "scopes": ["VARCHAR"]}}
_SUBJECTS = {
    name: _NAMED
    for dotted in (
        *("api_key.created", "api_key.deleted", "user.added", "user.deleted"),
        *("service_account.created", "service_account.deleted"),
    )
    for name in (dotted, dotted.replace(".", "_"))
}
SHAPE: Shape = {
    **texts("object start_time end_time id type effective_at created_at added_at"),
    **texts("email"),
    "results": [_RESULT],
    "project": texts("id"),
    "actor": {
        "session": {**texts("ip_address user_agent ja4"), "user": texts("id email")},
        "api_key": {**texts("id"), **_OWNER},
    },
    "owner": _OWNER,
    **_SUBJECTS,
}

KIND = f"""CASE
    WHEN r.object = 'bucket' THEN 'bucket'
    WHEN r.object IN ('organization.project.api_key', 'organization.admin_api_key')
        THEN 'key'
    WHEN r.object IN ('organization.user', 'organization.project.user') THEN 'user'
    WHEN r.id IS NOT NULL AND r.type IS NOT NULL AND r.effective_at IS NOT NULL
        THEN 'audit'
    WHEN starts_with(r.object, 'organization.') THEN '{OTHER}' END"""

_BUCKET_ID = """'openai:' || one.object || ':' || r.start_time || ':' || r.end_time
    || ':' || left(md5(to_json([one.project_id, one.user_id, one.api_key_id, one.model,
        one.batch, one.service_tier, one.line_item])::VARCHAR), 16)"""
_START = epoch("r.start_time")


def _subject(name: str, member: str) -> str:
    return f'coalesce(r."{name}".{member}, r."{name.replace(".", "_")}".{member})'


_ACTOR = """coalesce(r.actor.session."user".id, r.actor.api_key."user".id,
    r.actor.api_key.service_account.id)"""
_OWNED = 'coalesce(r.owner."user".id, r.owner.service_account.id)'
_FROM = {
    "ip": "r.actor.session.ip_address",
    "user_agent": "r.actor.session.user_agent",
    "ja4": "r.actor.session.ja4",
}


def _audited(name: str, event_type: str, fields: dict[str, str]) -> Event:
    return Event(
        "audit",
        event_type,
        "'openai:' || r.id",
        epoch("r.effective_at"),
        fields,
        when=f"r.type = '{name}'",
    )


EVENTS = (
    Event(
        "bucket",
        "usage.recorded",
        _BUCKET_ID,
        _START,
        {
            "account_id": "one.user_id",
            "key_id": "one.api_key_id",
            "tenant_id": "one.project_id",
            "model": "one.model",
            "endpoint": r"regexp_extract(one.object, '^organization\.usage\.(\w+)', 1)",
            "input_tokens": "one.input_tokens",
            "output_tokens": "one.output_tokens",
            "requests": "one.num_model_requests",
        },
        each="r.results",
        when="starts_with(one.object, 'organization.usage.')",
    ),
    Event(
        "bucket",
        "usage.recorded",
        _BUCKET_ID,
        _START,
        {
            "key_id": "one.api_key_id",
            "tenant_id": "one.project_id",
            "endpoint": "'costs'",
            "requests": "0",
            "cost_usd": "one.amount.value",
        },
        each="r.results",
        when="one.object = 'organization.costs.result' AND one.api_key_id IS NOT NULL"
        " AND lower(one.amount.currency) = 'usd'",
    ),
    Event(
        "key",
        "key.created",
        "'openai:key:' || r.id",
        epoch("r.created_at"),
        {"account_id": _OWNED, "key_id": "r.id"},
    ),
    Event(
        "user",
        "account.created",
        "'openai:user:' || r.id",
        epoch("coalesce(r.added_at, r.created_at)"),
        {"account_id": "r.id", "email": "r.email"},
        snapshot=True,
    ),
    _audited(
        "api_key.created",
        "key.created",
        {
            "account_id": _ACTOR,
            "key_id": _subject("api_key.created", "id"),
            "tenant_id": "r.project.id",
            "ip": "r.actor.session.ip_address",
            "scopes": "array_to_string("
            f"{_subject('api_key.created', 'data.scopes')}, ' ')",
        },
    ),
    _audited(
        "api_key.deleted",
        "key.revoked",
        {"key_id": _subject("api_key.deleted", "id"), "reason": "'deleted'"},
    ),
    _audited(
        "login.succeeded",
        "session.started",
        {**_FROM, "account_id": _ACTOR, "method": "'login'"},
    ),
    _audited(
        "user.added",
        "account.created",
        {
            "account_id": _subject("user.added", "id"),
            "tenant_id": "r.project.id",
            "invited_by": _ACTOR,
        },
    ),
    _audited(
        "service_account.created",
        "account.created",
        {
            "account_id": _subject("service_account.created", "id"),
            "tenant_id": "r.project.id",
            "invited_by": _ACTOR,
        },
    ),
    _audited(
        "user.deleted",
        "account.closed",
        {"account_id": _subject("user.deleted", "id"), "reason": "'deleted'"},
    ),
    _audited(
        "service_account.deleted",
        "account.closed",
        {
            "account_id": _subject("service_account.deleted", "id"),
            "reason": "'deleted'",
        },
    ),
)


def _recognises(record: Record) -> bool:
    named = str(record.get("object", ""))
    bucket = named == "bucket" and "start_time" in record and "results" in record
    audit = {"id", "type", "effective_at", "actor"} <= record.keys()
    return bucket or audit or named.startswith("organization.")


SOURCE = Source(
    "openai",
    "OpenAI organisation: usage, costs, audit log, API keys and users",
    _recognises,
    Adapter(SHAPE, KIND, EVENTS),
    ("data",),
)
