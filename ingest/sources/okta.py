"""Okta's System Log: users made and ended, sessions with address and device.

An account is the Okta user id; a tenant is not named. A device is Okta's device id
where its verification runs, else the fingerprint of the sign-in page, else `dtHash`,
the hash of the browser's device token.
"""

from __future__ import annotations

from ingest.sources.adapter import OTHER, Adapter, Event, Shape, email, has, texts, utc
from ingest.sources.source import Source

SHAPE: Shape = {
    **texts("uuid published eventType"),
    "actor": texts("id type alternateId"),
    "client": {**texts("ipAddress"), "userAgent": texts("rawUserAgent")},
    "device": texts("id"),
    "outcome": texts("result"),
    "authenticationContext": texts("credentialType"),
    "debugContext": {"debugData": texts("deviceFingerprint dtHash")},
    "target": [texts("id type alternateId")],
}

# https://developer.okta.com/docs/reference/api/event-types/
KIND = f"""CASE
    WHEN r.eventType IS NULL THEN NULL
    WHEN coalesce(r.outcome.result, 'SUCCESS') NOT IN ('SUCCESS', 'ALLOW')
        THEN '{OTHER}'
    WHEN r.eventType = 'user.lifecycle.create' THEN 'created'
    WHEN r.eventType IN ('user.session.start', 'user.authentication.sso') THEN 'login'
    WHEN r.eventType IN ('user.lifecycle.deactivate', 'user.lifecycle.delete.initiated',
        'user.lifecycle.suspend') THEN 'closed'
    ELSE '{OTHER}' END"""

_ID = "'okta:' || coalesce(r.uuid, md5(record))"
_AT = utc("r.published")
_USER = "list_filter(r.target, lambda held: held.type = 'User')[1]"
_FINGERPRINT = "nullif(r.debugContext.debugData.deviceFingerprint, '')"
_BROWSER = "nullif(r.debugContext.debugData.dtHash, '')"
_FROM = {
    "ip": "r.client.ipAddress",
    "user_agent": "r.client.userAgent.rawUserAgent",
    "device_id": f"coalesce(r.device.id, {_FINGERPRINT}, {_BROWSER})",
    "device_scheme": f"""CASE WHEN r.device.id IS NOT NULL THEN 'okta-device'
        WHEN {_FINGERPRINT} IS NOT NULL THEN 'okta-fingerprint'
        WHEN {_BROWSER} IS NOT NULL THEN 'okta-token' END""",
}

EVENTS = (
    # Who made the account may be an administrator: his address is not the user's.
    Event(
        "created",
        "account.created",
        _ID,
        _AT,
        {"account_id": f"({_USER}).id", "email": email(f"({_USER}).alternateId")},
    ),
    Event(
        "login",
        "session.started",
        _ID,
        _AT,
        {
            **_FROM,
            "account_id": "r.actor.id",
            "method": "coalesce(r.authenticationContext.credentialType, r.eventType)",
        },
    ),
    Event(
        "login",
        "identifier.seen",
        f"{_ID} || ':email'",
        _AT,
        {"account_id": "r.actor.id", "kind": "'email'", "value": "r.actor.alternateId"},
        when="contains(r.actor.alternateId, '@')"
        " AND r.eventType = 'user.session.start'",
    ),
    Event(
        "closed",
        "account.closed",
        _ID,
        _AT,
        {"account_id": f"({_USER}).id", "reason": "r.eventType"},
    ),
)

SOURCE = Source(
    "okta",
    "Okta System Log: users, sessions and devices",
    has("eventType", "published", "actor", "client"),
    Adapter(
        SHAPE,
        KIND,
        EVENTS,
        unknown="record: lacks eventType",
    ),
)
