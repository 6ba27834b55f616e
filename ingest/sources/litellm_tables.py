"""LiteLLM's tables and audit log: keys, users, teams, members, budgets."""

from __future__ import annotations

from ingest.sources.adapter import Event, first, hashed_key, utc

TENANT = first("r.team_id", "r.organization_id")
_TOKEN = hashed_key("r.token")
_SPACED = "array_to_string(routes, ' ')"

KEY = Event(
    "key",
    "key.created",
    f"'litellm:key:' || {_TOKEN}",
    utc("r.created_at"),
    {
        "account_id": first("r.user_id", "r.team_id", "r.organization_id", _TOKEN),
        "key_id": _TOKEN,
        "key_hash": _TOKEN,
        "tenant_id": TENANT,
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
        "tenant_id": TENANT,
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
    each="members",
    snapshot=True,
)


_OF_KEY = "r.table_name = 'LiteLLM_VerificationToken'"
_OF_USER = "r.table_name = 'LiteLLM_UserTable'"
_AUDITED = utc("r.updated_at")
_OBJECT = hashed_key("r.object_id")
_NEW = "coalesce(after.token_id, after.token)"


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
            "account_id": first("after.user_id", "after.team_id", _OBJECT),
            "key_id": _OBJECT,
            "key_hash": _OBJECT,
            "tenant_id": first("after.team_id", "after.organization_id"),
        },
    ),
    _audited(
        "rotated",
        "key.created",
        f"{_OF_KEY} AND r.action = 'rotated' AND {_NEW} IS NOT NULL",
        {
            "account_id": first("after.user_id", "before.user_id", _OBJECT),
            "key_id": hashed_key(_NEW),
            "key_hash": hashed_key(_NEW),
            "tenant_id": first("after.team_id", "before.team_id"),
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
        AND TRY_CAST(after.max_budget AS DOUBLE)
            > TRY_CAST(before.max_budget AS DOUBLE)""",
        {
            "account_id": f"CASE WHEN {_OF_USER} THEN r.object_id ELSE "
            f"{first('before.user_id', 'before.team_id', _OBJECT)} END",
            "limit_usd": "after.max_budget",
        },
    ),
    _audited(
        "user",
        "account.created",
        f"{_OF_USER} AND r.action = 'created'",
        {"account_id": "r.object_id", "email": "after.user_email"},
    ),
    _audited(
        "closed",
        "account.closed",
        f"{_OF_USER} AND r.action = 'deleted'",
        {"account_id": "r.object_id", "reason": "'deleted'"},
    ),
)

TABLES = (KEY, KEY_GONE, USER, SUBJECT, MEMBERSHIP, QUOTA, TEAM_MEMBER, *AUDIT)
"""What the rows of every table become."""
