"""LiteLLM: spend logs, the logging callback's payload, tables and the audit log.

An account is a LiteLLM user. A key is named by its token, the SHA-256 of the raw key,
which is both its id and its hash. A tenant is the team whose budget a key draws on,
else the organisation. A key without a user belongs to its team; one without either
stands for itself.
"""

from __future__ import annotations

from ingest.sources.adapter import (
    OTHER,
    Adapter,
    Event,
    Record,
    Shape,
    epoch,
    first,
    hashed_key,
    texts,
    utc,
)
from ingest.sources.litellm_tables import TABLES, TENANT
from ingest.sources.source import Source

SHAPE: Shape = {
    **texts("request_id call_type api_key spend prompt_tokens completion_tokens model"),
    **texts("startTime user team_id organization_id end_user requester_ip_address"),
    **texts("status metadata request_tags id response_cost user_agent user_id token"),
    **texts("expires allowed_routes blocked created_at updated_at deleted_at"),
    **texts("deleted_by user_email sso_user_id user_role members_with_roles"),
    **texts("max_budget budget_duration action table_name object_id before_value"),
    **texts("updated_values changed_by invited_by"),
    "error_information": texts("error_code"),
}

KIND = f"""CASE
    WHEN r.table_name IS NOT NULL AND r.object_id IS NOT NULL THEN 'audit'
    WHEN r.request_id IS NOT NULL THEN 'spend'
    WHEN r.call_type IS NOT NULL AND r.id IS NOT NULL THEN 'payload'
    WHEN r.token IS NOT NULL THEN 'key'
    WHEN r.user_id IS NOT NULL AND r.team_id IS NOT NULL
        AND json_exists(record, '$.total_spend') THEN '{OTHER}'
    WHEN r.user_id IS NOT NULL AND r.organization_id IS NOT NULL
        AND NOT json_exists(record, '$.user_email') THEN 'membership'
    WHEN r.user_id IS NOT NULL THEN 'user'
    WHEN r.team_id IS NOT NULL THEN 'team'
    WHEN r.organization_id IS NOT NULL THEN '{OTHER}' END"""


META = {
    **texts("user_agent requester_ip_address status user_api_key_user_id"),
    **texts("user_api_key_hash user_api_key_team_id user_api_key_org_id"),
    **texts("user_api_key_end_user_id"),
    "error_information": texts("error_code"),
}
CHANGED = texts("user_id team_id organization_id user_email max_budget token token_id")
INNER = {
    "meta": ("r.metadata", META),
    "before": ("r.before_value", CHANGED),
    "after": ("r.updated_values", CHANGED),
    "tags": ("r.request_tags", ["VARCHAR"]),
    "routes": ("r.allowed_routes", ["VARCHAR"]),
    "members": ("r.members_with_roles", [texts("user_id role")]),
}

# The full user agent is the last of the two tags that LiteLLM makes of it.
_TAG = "User-Agent: "
_TAGGED = f"list_filter(tags, lambda tag: starts_with(tag, '{_TAG}'))[-1]"
_USER_AGENT = first(
    "meta.user_agent",
    "r.user_agent",
    f"replace({_TAGGED}, '{_TAG}', '')",
)


def _status(code: str) -> str:
    return (
        f"CASE WHEN {first('r.status', 'meta.status')} = 'failure'"
        f" THEN coalesce(TRY_CAST({code} AS INTEGER), 500) ELSE 200 END"
    )


SPEND = Event(
    "spend",
    "usage.recorded",
    "'litellm:' || r.request_id",
    utc('r."startTime"'),
    {
        "account_id": first('r."user"', "meta.user_api_key_user_id"),
        "key_id": hashed_key("nullif(r.api_key, '')"),
        "tenant_id": TENANT,
        "end_user": "r.end_user",
        "ip": first("r.requester_ip_address", "meta.requester_ip_address"),
        "user_agent": _USER_AGENT,
        "model": "r.model",
        "endpoint": "r.call_type",
        "input_tokens": "r.prompt_tokens",
        "output_tokens": "r.completion_tokens",
        "cost_usd": "r.spend",
        "http_status": _status("meta.error_information.error_code"),
    },
)

PAYLOAD = Event(
    "payload",
    "usage.recorded",
    "'litellm:' || r.id",
    epoch('r."startTime"'),
    {
        "account_id": "meta.user_api_key_user_id",
        "key_id": hashed_key("nullif(meta.user_api_key_hash, '')"),
        "tenant_id": first("meta.user_api_key_team_id", "meta.user_api_key_org_id"),
        "end_user": first("r.end_user", "meta.user_api_key_end_user_id"),
        "ip": first("r.requester_ip_address", "meta.requester_ip_address"),
        "user_agent": _USER_AGENT,
        "model": "r.model",
        "endpoint": "r.call_type",
        "input_tokens": "r.prompt_tokens",
        "output_tokens": "r.completion_tokens",
        "cost_usd": "r.response_cost",
        "http_status": _status("r.error_information.error_code"),
    },
)


def _recognises(record: Record) -> bool:
    keys = record.keys()
    return any(
        members <= keys
        for members in (
            {"request_id", "api_key", "startTime"},
            {"call_type", "startTime", "metadata", "litellm_call_id"},
            {"token", "key_name", "spend"},
            {"user_id", "user_email", "spend"},
            {"team_id", "members_with_roles"},
            {"table_name", "object_id", "updated_values"},
            {"user_id", "organization_id", "user_role", "spend"},
        )
    )


SOURCE = Source(
    "litellm",
    "LiteLLM spend logs, logging callback, keys, users, teams and audit log",
    _recognises,
    Adapter(
        SHAPE,
        KIND,
        (SPEND, PAYLOAD, *TABLES),
        INNER,
    ),
    ("data", "keys", "users", "audit_logs", "logs"),
)
