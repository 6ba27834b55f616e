"""nginx and Envoy access logs in JSON: who called from where, and with what key.

A line counts where it names an account or a key. A raw key in `authorization` or
`x_api_key` is hashed in the same query that reads it. The address is the peer's as
the server saw it: `X-Forwarded-For` is what the client says, and is not read.
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
)
from ingest.sources.source import Source

_TIMES = "time_iso8601 time start_time timestamp msec"
_WHERE = "remote_addr downstream_remote_address client_ip"
_WHAT = "request request_uri uri path status response_code request_id"
_WHO = "account_id user_id tenant_id key_id api_key_id api_key_sha256 end_user"
_RAW = "authorization http_authorization x_api_key http_x_api_key"
_REST = "http_user_agent user_agent ja4 region model input_tokens output_tokens"
SHAPE: Shape = texts(f"{_TIMES} {_WHERE} {_WHAT} {_WHO} {_RAW} {_REST} cost_usd")


def _first(names: str) -> str:
    """Give the first that says something; servers write '-' for nothing."""
    held = (f"nullif(nullif(r.{name}, ''), '-')" for name in names.split())
    return "coalesce(" + ", ".join(held) + ")"


_BEARER = f"regexp_replace({_first(_RAW)}, '^(?i:bearer|token) +', '')"
_KEY = f"coalesce({_first('key_id api_key_id api_key_sha256')}, {hashed_key(_BEARER)})"
_ACCOUNT = _first("account_id user_id")
_AT = f"coalesce({utc(_first('time_iso8601 time start_time timestamp'))}, "
_AT += f"{epoch(_first('msec'))})"
# Envoy puts the port behind: 203.0.113.7:4711, or [2001:db8::1]:4711.
_PEER = rf"""regexp_replace(regexp_replace({_first(_WHERE)},
    '^\[(.*)\](:\d+)?$', '\1'), '^(\d+\.\d+\.\d+\.\d+):\d+$', '\1')"""
_PATH = f"""regexp_extract(coalesce({_first("request_uri uri path")},
    regexp_extract({_first("request")}, '^[A-Z]+ ([^ ]+)', 1)), '^[^?#]*')"""

USAGE = Event(
    "named",
    "usage.recorded",
    f"'access:' || coalesce({_first('request_id')}, md5(record))",
    _AT,
    {
        "account_id": _ACCOUNT,
        "key_id": _KEY,
        "tenant_id": _first("tenant_id"),
        "end_user": _first("end_user"),
        "ip": _PEER,
        "user_agent": _first("http_user_agent user_agent"),
        "ja4": _first("ja4"),
        "region": _first("region"),
        "model": _first("model"),
        "endpoint": _PATH,
        "input_tokens": _first("input_tokens"),
        "output_tokens": _first("output_tokens"),
        "cost_usd": _first("cost_usd"),
        "http_status": _first("status response_code"),
    },
)

_SERVERS = ({"remote_addr", "status"}, {"downstream_remote_address", "response_code"})


def _recognises(record: Record) -> bool:
    return any(members <= record.keys() for members in _SERVERS)


SOURCE = Source(
    "access",
    "nginx and Envoy access logs in JSON that name an account or a key",
    _recognises,
    Adapter(
        SHAPE,
        f"""CASE WHEN {_first("status response_code")} IS NULL THEN NULL
        WHEN {_ACCOUNT} IS NOT NULL OR {_KEY} IS NOT NULL THEN 'named'
        ELSE '{OTHER}' END""",
        (USAGE,),
        unknown="record: has neither status nor response_code",
    ),
    secret=True,
)
