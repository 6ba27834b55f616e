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
    hashed_key,
    texts,
    utc,
    within,
)
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


def _first(*names: str) -> str:
    """Give the first that is neither NULL nor blank; LiteLLM writes '' for none."""
    return "coalesce(" + ", ".join(f"nullif({name}, '')" for name in names) + ")"


def _meta(name: str) -> str:
    return within("r.metadata", name)


# The full user agent is the last of the two tags that LiteLLM makes of it.
_TAG = "User-Agent: "
_TAGS = """list_filter(json_transform(CASE WHEN json_valid(r.request_tags)
    THEN r.request_tags END, '["VARCHAR"]'), lambda tag:
    starts_with(tag, '{tag}'))[-1]"""
_USER_AGENT = _first(
    _meta("user_agent"),
    "r.user_agent",
    f"replace({_TAGS.format(tag=_TAG)}, '{_TAG}', '')",
)


def _status(code: str) -> str:
    return (
        f"CASE WHEN {_first('r.status', _meta('status'))} = 'failure'"
        f" THEN coalesce(TRY_CAST({code} AS INTEGER), 500) ELSE 200 END"
    )


_TENANT = _first("r.team_id", "r.organization_id")

SPEND = Event(
    "spend",
    "usage.recorded",
    "'litellm:' || r.request_id",
    utc('r."startTime"'),
    {
        "account_id": _first('r."user"', _meta("user_api_key_user_id")),
        "key_id": hashed_key("nullif(r.api_key, '')"),
        "tenant_id": _TENANT,
        "end_user": "r.end_user",
        "ip": _first("r.requester_ip_address", _meta("requester_ip_address")),
        "user_agent": _USER_AGENT,
        "model": "r.model",
        "endpoint": "r.call_type",
        "input_tokens": "r.prompt_tokens",
        "output_tokens": "r.completion_tokens",
        "cost_usd": "r.spend",
        "http_status": _status(_meta("error_information.error_code")),
    },
)

PAYLOAD = Event(
    "payload",
    "usage.recorded",
    "'litellm:' || r.id",
    epoch('r."startTime"'),
    {
        "account_id": _meta("user_api_key_user_id"),
        "key_id": hashed_key(f"nullif({_meta('user_api_key_hash')}, '')"),
        "tenant_id": _first(
            _meta("user_api_key_team_id"), _meta("user_api_key_org_id")
        ),
        "end_user": _first("r.end_user", _meta("user_api_key_end_user_id")),
        "ip": _first("r.requester_ip_address", _meta("requester_ip_address")),
        "user_agent": _USER_AGENT,
        "model": "r.model",
        "endpoint": "r.call_type",
        "input_tokens": "r.prompt_tokens",
        "output_tokens": "r.completion_tokens",
        "cost_usd": "r.response_cost",
        "http_status": _status("r.error_information.error_code"),
    },
)

_TOKEN = hashed_key("r.token")
_SPACED = """array_to_string(json_transform(CASE WHEN json_valid(r.allowed_routes)
    THEN r.allowed_routes END, '["VARCHAR"]'), ' ')"""

KEY = Event(
    "key",
    "key.created",
    f"'litellm:key:' || {_TOKEN}",
    utc("r.created_at"),
    {
        "account_id": _first("r.user_id", "r.team_id", "r.organization_id", _TOKEN),
        "key_id": _TOKEN,
        "key_hash": _TOKEN,
        "tenant_id": _TENANT,
        "scopes": f"nullif({_SPACED}, '')",
        "expires_at": utc("r.expires"),
    },
    snapshot=True,
)

_REVOKED = "r.deleted_at IS NOT NULL OR r.blocked = 'true'"
KEY_GONE = Event(
    "key",
    "key.revoked",
    f"'litellm:key:revoked:' || {_TOKEN}",
    utc("coalesce(r.deleted_at, r.updated_at)"),
    {
        "key_id": _TOKEN,
        "reason": "CASE WHEN r.deleted_at IS NULL THEN 'blocked' ELSE 'deleted' END",
    },
    when=_REVOKED,
    snapshot=True,
)

USER = Event(
    "user",
    "account.created",
    "'litellm:user:' || r.user_id",
    utc("r.created_at"),
    {
        "account_id": "r.user_id",
        "email": "r.user_email",
        "tenant_id": _TENANT,
        "invited_by": "r.invited_by",
    },
    snapshot=True,
)

SUBJECT = Event(
    "user",
    "identifier.seen",
    "'litellm:sso:' || r.user_id",
    utc("r.created_at"),
    {
        "account_id": "r.user_id",
        "kind": "'oauth_subject'",
        "value": "r.sso_user_id",
    },
    when="nullif(r.sso_user_id, '') IS NOT NULL",
    snapshot=True,
)

MEMBERSHIP = Event(
    "membership",
    "member.added",
    "'litellm:member:' || r.organization_id || ':' || r.user_id",
    utc("r.created_at"),
    {
        "tenant_id": "r.organization_id",
        "account_id": "r.user_id",
        "role": "r.user_role",
    },
    snapshot=True,
)

QUOTA = Event(
    "team",
    "quota.set",
    "'litellm:quota:' || r.team_id",
    utc("coalesce(r.updated_at, r.created_at)"),
    {
        "tenant_id": "r.team_id",
        "limit_usd": "r.max_budget",
        "period": """CASE WHEN r.budget_duration IN ('1d', '24h') THEN 'day'
            WHEN r.budget_duration IN ('30d', '1mo') THEN 'month' END""",
    },
    when="r.max_budget IS NOT NULL",
    snapshot=True,
)

# The table does not say when a member came; the team's own beginning stays the same.
TEAM_MEMBER = Event(
    "team",
    "member.added",
    "'litellm:member:' || r.team_id || ':' || one.user_id",
    utc("r.created_at"),
    {"tenant_id": "r.team_id", "account_id": "one.user_id", "role": "one.role"},
    when="one.user_id IS NOT NULL",
    each="""json_transform(CASE WHEN json_valid(r.members_with_roles)
        THEN r.members_with_roles END, '[{"user_id":"VARCHAR","role":"VARCHAR"}]')""",
    snapshot=True,
)


def _after(name: str) -> str:
    return within("r.updated_values", name)


def _before(name: str) -> str:
    return within("r.before_value", name)


_OF_KEY = "r.table_name = 'LiteLLM_VerificationToken'"
_OF_USER = "r.table_name = 'LiteLLM_UserTable'"
_AUDITED = utc("r.updated_at")
_OBJECT = hashed_key("r.object_id")
_NEW = f"coalesce({_after('token_id')}, {_after('token')})"


def _audited(
    kind: str, event_type: str, when: str, fields: dict[str, str], at: str = _AUDITED
) -> Event:
    return Event(
        "audit", event_type, f"'litellm:audit:{kind}:' || r.id", at, fields, when
    )


AUDIT = (
    _audited(
        "key",
        "key.created",
        f"{_OF_KEY} AND r.action = 'created'",
        {
            "account_id": _first(_after("user_id"), _after("team_id"), _OBJECT),
            "key_id": _OBJECT,
            "key_hash": _OBJECT,
            "tenant_id": _first(_after("team_id"), _after("organization_id")),
        },
    ),
    _audited(
        "rotated",
        "key.created",
        f"{_OF_KEY} AND r.action = 'rotated' AND {_NEW} IS NOT NULL",
        {
            "account_id": _first(_after("user_id"), _before("user_id"), _OBJECT),
            "key_id": hashed_key(_NEW),
            "key_hash": hashed_key(_NEW),
            "tenant_id": _first(_after("team_id"), _before("team_id")),
            "replaces": _OBJECT,
        },
    ),
    _audited(
        "revoked",
        "key.revoked",
        f"{_OF_KEY} AND r.action IN ('deleted', 'blocked', 'rotated')",
        {"key_id": _OBJECT, "reason": "r.action"},
    ),
    _audited(
        "limit",
        "limit.raised",
        f"""r.action = 'updated' AND ({_OF_KEY} OR {_OF_USER})
        AND TRY_CAST({_after("max_budget")} AS DOUBLE)
            > TRY_CAST({_before("max_budget")} AS DOUBLE)""",
        {
            "account_id": f"CASE WHEN {_OF_USER} THEN r.object_id ELSE "
            f"{_first(_before('user_id'), _before('team_id'), _OBJECT)} END",
            "limit_usd": _after("max_budget"),
        },
    ),
    _audited(
        "user",
        "account.created",
        f"{_OF_USER} AND r.action = 'created'",
        {"account_id": "r.object_id", "email": _after("user_email")},
    ),
    _audited(
        "closed",
        "account.closed",
        f"{_OF_USER} AND r.action = 'deleted'",
        {"account_id": "r.object_id", "reason": "'deleted'"},
    ),
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
        (
            *(SPEND, PAYLOAD, KEY, KEY_GONE, USER, SUBJECT, MEMBERSHIP, QUOTA),
            TEAM_MEMBER,
            *AUDIT,
        ),
    ),
    ("data", "keys", "users", "teams", "audit_logs", "logs"),
)
