"""OpenTelemetry GenAI spans, as the collector's file exporter writes OTLP JSON.

The account, tenant and key are what the company sets as span or resource attributes:
`user.id`, `tenant.id`, `api_key.id` (or `api_key.sha256`). `enduser.id` is the account
where there is no `user.id`, else the tenant's own user.
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

from ingest.sources.adapter import Adapter, Event, Record, Shape, epoch, texts
from ingest.sources.source import Source

_VALUE = texts("stringValue intValue doubleValue boolValue")
_ATTRIBUTES = [{**texts("key"), "value": _VALUE}]
_SPAN = {
    **texts("traceId spanId startTimeUnixNano"),
    "attributes": _ATTRIBUTES,
    "status": texts("code"),
}
SHAPE: Shape = {
    "resourceSpans": [
        {
            "resource": {"attributes": _ATTRIBUTES},
            "scopeSpans": [{"spans": [_SPAN]}],
        }
    ]
}

_SPANS = """flatten(list_transform(r.resourceSpans, lambda held: list_transform(
    flatten(list_transform(held.scopeSpans, lambda scope: scope.spans)),
    lambda span: struct_pack(span := span, resource := held.resource))))"""


def _look(attributes: str, name: str) -> str:
    found = f"list_filter({attributes}, lambda entry: entry.key = '{name}')[1].value"
    kinds = ("stringValue", "intValue", "doubleValue", "boolValue")
    return "coalesce(" + ", ".join(f"({found}).{kind}" for kind in kinds) + ")"


def _span(*names: str) -> str:
    return _either([_look("one.span.attributes", name) for name in names])


def _any(*names: str) -> str:
    places = ("one.span.attributes", "one.resource.attributes")
    return _either([_look(place, name) for name in names for place in places])


def _either(found: list[str]) -> str:
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]


_USER = _any("user.id")
_OPERATION = _span("gen_ai.operation.name")
# A span of an agent or a tool holds the calls of models within it, counted there.
_IS_CALL = f"""coalesce({_OPERATION}, 'chat') IN ('chat', 'text_completion',
    'generate_content', 'embeddings', 'completion')
    AND {_span("gen_ai.request.model", "gen_ai.response.model")} IS NOT NULL"""
_STATUS = f"""coalesce({_span("http.response.status_code")},
    CASE WHEN one.span.status.code IN ('2', 'STATUS_CODE_ERROR')
        OR {_span("error.type")} IS NOT NULL THEN '500' ELSE '200' END)"""

USAGE = Event(
    "export",
    "usage.recorded",
    "'otel:' || one.span.traceId || ':' || one.span.spanId",
    epoch("one.span.startTimeUnixNano", 1_000_000_000),
    {
        "account_id": f"coalesce({_USER}, {_any('enduser.id')})",
        "key_id": _any("api_key.id", "api_key.sha256"),
        "tenant_id": _any("tenant.id"),
        "end_user": f"CASE WHEN {_USER} IS NOT NULL THEN {_any('enduser.id')} END",
        "ip": _span("client.address"),
        "user_agent": _span("user_agent.original"),
        "region": _any("cloud.region"),
        "model": _span("gen_ai.response.model", "gen_ai.request.model"),
        "endpoint": _OPERATION,
        "input_tokens": _span(
            "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"
        ),
        "output_tokens": _span(
            "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"
        ),
        "http_status": _STATUS,
    },
    each=_SPANS,
    when=_IS_CALL,
)


def _recognises(record: Record) -> bool:
    return isinstance(record.get("resourceSpans"), list)


SOURCE = Source(
    "otel",
    "OpenTelemetry GenAI spans in OTLP JSON",
    _recognises,
    Adapter(
        SHAPE,
        "CASE WHEN json_type(record, '$.resourceSpans') = 'ARRAY' THEN 'export' END",
        (USAGE,),
        unknown="record: has no resourceSpans",
    ),
)
