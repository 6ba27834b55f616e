"""AWS CloudTrail: Bedrock calls and probes, access keys, users, console logins.

A key is an access key id. An account is the IAM user, the role behind a session, or
the root user, by its ARN; a tenant is the AWS account. An address or region that does
not exist stays as it was logged; the name of an AWS service is no address.
"""

from __future__ import annotations

from ingest.sources.adapter import (
    OTHER,
    Adapter,
    Event,
    Shape,
    address,
    has,
    texts,
    utc,
)
from ingest.sources.source import Source

SHAPE: Shape = {
    **texts("eventID eventName eventSource eventTime awsRegion sourceIPAddress"),
    **texts("userAgent errorCode recipientAccountId"),
    "userIdentity": {
        **texts("type principalId arn accountId accessKeyId userName invokedBy"),
        "sessionContext": {"sessionIssuer": texts("arn")},
    },
    "requestParameters": texts("modelId userName accessKeyId status"),
    "responseElements": {
        **texts("ConsoleLogin"),
        "accessKey": texts("accessKeyId userName"),
    },
    "additionalEventData": texts("MFAUsed"),
}

_WHO = "r.userIdentity"
_ARN_START = f"'arn:aws:iam::' || coalesce(r.recipientAccountId, {_WHO}.accountId)"


def _user(name: str) -> str:
    """Name an IAM user as his own calls do, whatever path his ARN has."""
    return f"{_ARN_START} || ':user/' || {name}"


_ACCOUNT = f"""CASE WHEN {_WHO}.type = 'IAMUser' AND {_WHO}.userName IS NOT NULL
    THEN {_user(f"{_WHO}.userName")}
    ELSE coalesce({_WHO}.sessionContext.sessionIssuer.arn, {_WHO}.arn,
                  {_WHO}.principalId) END"""
_TENANT = f"coalesce(r.recipientAccountId, {_WHO}.accountId)"
_TARGET = f"coalesce(r.requestParameters.userName, {_WHO}.userName)"

# Calls that run a model and so cost money; all others of Bedrock only look or set up.
_RUNS = """r.eventName IN ('InvokeModel', 'InvokeModelWithResponseStream', 'Converse',
    'ConverseStream', 'InvokeModelWithBidirectionalStream', 'StartAsyncInvoke',
    'CreateModelInvocationJob', 'InvokeAgent', 'RetrieveAndGenerate')"""
_HUMAN = f"coalesce({_WHO}.type, '') <> 'AWSService'"

KIND = f"""CASE WHEN r.eventID IS NULL OR r.eventName IS NULL OR r.eventSource IS NULL
    THEN NULL
    WHEN NOT {_HUMAN} THEN '{OTHER}'
    WHEN starts_with(r.eventSource, 'bedrock') THEN 'call'
    WHEN r.eventName = 'GetCallerIdentity' THEN 'call'
    WHEN r.eventSource = 'iam.amazonaws.com' AND r.errorCode IS NULL THEN 'iam'
    WHEN r.eventName = 'ConsoleLogin' THEN 'login'
    ELSE '{OTHER}' END"""

# https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
_STATUS = """CASE
    WHEN r.errorCode IS NULL THEN 200
    WHEN r.errorCode LIKE 'AccessDenied%' OR r.errorCode LIKE '%Unauthorized%'
        OR r.errorCode LIKE '%InvalidClientToken%' THEN 403
    WHEN r.errorCode LIKE '%Throttl%' OR r.errorCode LIKE '%Quota%' THEN 429
    WHEN r.errorCode LIKE '%NotFound%' THEN 404
    WHEN r.errorCode LIKE 'Internal%' OR r.errorCode LIKE '%Unavailable%' THEN 500
    ELSE 400 END"""

_AT = utc("r.eventTime")
_ID = "'cloudtrail:' || r.eventID"
_SEEN = {"ip": address("r.sourceIPAddress"), "user_agent": "r.userAgent"}

EVENTS = (
    Event(
        "call",
        "usage.recorded",
        _ID,
        _AT,
        {
            **_SEEN,
            "account_id": _ACCOUNT,
            "key_id": f"{_WHO}.accessKeyId",
            "tenant_id": _TENANT,
            "region": "r.awsRegion",
            "model": "r.requestParameters.modelId",
            "endpoint": "r.eventName",
            "http_status": _STATUS,
            "cost_usd": f"CASE WHEN r.errorCode IS NULL AND {_RUNS} THEN NULL"
            " ELSE 0 END",
        },
    ),
    Event(
        "iam",
        "key.created",
        _ID,
        _AT,
        {
            "account_id": _user(
                f"coalesce(r.responseElements.accessKey.userName, {_TARGET})"
            ),
            "key_id": "r.responseElements.accessKey.accessKeyId",
            "tenant_id": _TENANT,
            "ip": address("r.sourceIPAddress"),
        },
        when="r.eventName = 'CreateAccessKey'",
    ),
    Event(
        "iam",
        "key.revoked",
        _ID,
        _AT,
        {
            "key_id": "r.requestParameters.accessKeyId",
            "reason": "CASE r.eventName WHEN 'DeleteAccessKey' THEN 'deleted'"
            " ELSE 'inactive' END",
        },
        when="""r.eventName = 'DeleteAccessKey' OR (r.eventName = 'UpdateAccessKey'
            AND r.requestParameters.status = 'Inactive')""",
    ),
    Event(
        "iam",
        "account.created",
        _ID,
        _AT,
        {"account_id": _user(_TARGET), "tenant_id": _TENANT},
        when="r.eventName = 'CreateUser'",
    ),
    Event(
        "iam",
        "account.closed",
        _ID,
        _AT,
        {"account_id": _user(_TARGET), "reason": "'deleted'"},
        when="r.eventName = 'DeleteUser'",
    ),
    Event(
        "login",
        "session.started",
        _ID,
        _AT,
        {
            **_SEEN,
            "account_id": _ACCOUNT,
            "tenant_id": _TENANT,
            "method": "'console'",
            "mfa": "r.additionalEventData.MFAUsed = 'Yes'",
        },
        when="r.responseElements.ConsoleLogin = 'Success'",
    ),
)

SOURCE = Source(
    "cloudtrail",
    "AWS CloudTrail: Bedrock calls and probes, access keys, console logins",
    has("eventID", "eventName", "eventSource", "userIdentity"),
    Adapter(
        SHAPE,
        KIND,
        EVENTS,
        unknown="record: lacks eventID, eventName or eventSource",
    ),
    ("Records",),
)
