"""Amazon Bedrock's model-invocation log: tokens and model of each call.

It names no access key and no address, so it is read beside CloudTrail, which does and
which knows no tokens. An account is the IAM user or the role behind a session.
"""

from __future__ import annotations

from ingest.sources.adapter import Adapter, Event, Record, Shape, texts, utc
from ingest.sources.source import Source

SHAPE: Shape = {
    **texts("schemaType timestamp accountId region requestId operation modelId"),
    **texts("errorCode inferenceRegion"),
    "identity": texts("arn"),
    "input": texts("inputTokenCount"),
    "output": texts("outputTokenCount"),
}

# arn:aws:sts::1:assumed-role/R/session is the role arn:aws:iam::1:role/R in CloudTrail.
_ACCOUNT = r"""regexp_replace(r.identity.arn,
    '^arn:aws:sts::(\d+):assumed-role/([^/]+)/.*$', 'arn:aws:iam::\1:role/\2')"""

USAGE = Event(
    "call",
    "usage.recorded",
    "'bedrock:' || r.requestId",
    utc("r.timestamp"),
    {
        "account_id": _ACCOUNT,
        "tenant_id": "r.accountId",
        "region": "coalesce(r.inferenceRegion, r.region)",
        # A model may be named by the ARN of its inference profile.
        "model": "regexp_replace(r.modelId, '^arn:.*/', '')",
        "endpoint": "r.operation",
        "input_tokens": "r.input.inputTokenCount",
        "output_tokens": "r.output.outputTokenCount",
        "http_status": "CASE WHEN r.errorCode IS NULL THEN 200 ELSE 400 END",
    },
)


def _recognises(record: Record) -> bool:
    return record.get("schemaType") == "ModelInvocationLog"


SOURCE = Source(
    "bedrock",
    "Amazon Bedrock's model-invocation log",
    _recognises,
    Adapter(
        SHAPE,
        """CASE WHEN r.schemaType = 'ModelInvocationLog' AND r.requestId IS NOT NULL
        THEN 'call' END""",
        (USAGE,),
        unknown="record: is no ModelInvocationLog with a requestId",
    ),
)
