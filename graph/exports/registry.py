"""The formats in which approved decisions leave; this table is all that registers them.

A format is a function from what it may read to the files it makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graph.exports import (
    auth0,
    aws_waf,
    ban_list,
    cloudflare,
    evidence,
    litellm,
    okta,
    refund,
    safety_identifiers,
    stix,
    stripe_radar,
    webhook,
)
from graph.exports.package import Bundle, Context

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Format:
    """One format: who makes it, its file endings (empty: a folder), what it takes.

    `takes` lists the types of subject and verdicts that mean something to the target;
    other decisions stay here. `summary` is one line for people.
    """

    name: str
    build: Callable[[Context], Bundle]
    endings: tuple[str, ...]
    takes: Pairs
    summary: str


_BANNED: Pairs = frozenset({("account", "ban")})
_SUSPENDED = _BANNED | {("account", "hold")}
_REVOKED: Pairs = frozenset({("key", "revoke")})
_STOPPED = _REVOKED | {("key", "hold")}
_END_USERS: Pairs = frozenset({("end_user", "ban")})
_THROTTLED: Pairs = frozenset({("tenant", "throttle")})
_EVERYTHING = _SUSPENDED | _STOPPED | _END_USERS | _THROTTLED

_FORMATS = (
    Format("csv", ban_list.build_csv, (".csv",), _EVERYTHING,
           "every decision, for people and spreadsheets"),
    Format("jsonl", ban_list.build_jsonl, (".jsonl", ".ndjson"), _EVERYTHING,
           "every decision, for machines"),
    Format("parquet", ban_list.build_parquet, (".parquet",), _EVERYTHING,
           "every decision, for a warehouse"),
    Format("stix", stix.build, (".json",), _BANNED | _REVOKED | _END_USERS,
           "STIX 2.1 bundle"),
    Format("stripe-radar", stripe_radar.build, (".jsonl",), _BANNED,
           "Stripe Radar value lists"),
    Format("cloudflare", cloudflare.build_json, (".json",), _BANNED | _REVOKED,
           "Cloudflare IP list, for its API"),
    Format("cloudflare-csv", cloudflare.build_csv, (".csv",), _BANNED | _REVOKED,
           "Cloudflare IP list, for its dashboard"),
    Format("aws-waf", aws_waf.build, (".json",), _BANNED | _REVOKED,
           "AWS WAF IP sets"),
    Format("auth0", auth0.build, (".jsonl",), _SUSPENDED,
           "Auth0 user blocks"),
    Format("okta", okta.build, (".jsonl",), _SUSPENDED,
           "Okta suspensions"),
    Format("litellm", litellm.build, (".jsonl",), _STOPPED | _END_USERS,
           "LiteLLM key and customer blocks"),
    Format("safety-identifiers", safety_identifiers.build, (".jsonl",),
           _END_USERS | _THROTTLED,
           "end users of a drained tenant"),
    Format("webhook", webhook.build, (".jsonl",), _EVERYTHING,
           "signed webhook deliveries"),
    Format("evidence", evidence.build, ("", ".zip"), _EVERYTHING,
           "evidence bundle of a cluster"),
    Format("refund", refund.build, ("", ".zip"), _STOPPED,
           "refund pack for the owner of a replayed key"),
)  # fmt: skip

FORMATS: Mapping[str, Format] = {form.name: form for form in _FORMATS}
