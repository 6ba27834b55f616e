"""User agents: which client speaks; software, not a person."""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
from ua_parser import parse_os, parse_user_agent

from ingest.identifiers import FORMS

_LONGEST = 512
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_PRODUCT = re.compile(r"([A-Za-z][A-Za-z0-9_.\-/ ]{0,60}?)[/ ]v?(\d+)")
_BOT = re.compile(r"bot\b|crawl|spider|slurp|headless|phantom|selenium", re.IGNORECASE)
_TOOL = re.compile(
    r"(curl|wget|postman|insomnia|httpie|powershell|python-requests|aiohttp|httpx|axios"
    r"|node-fetch|undici|okhttp|go-http-client|java|libwww|got)\b",
    re.IGNORECASE,
)
_SCHEMA = pa.schema(
    [(n, FORMS[n]) for n in ("text", "class", "template", "client", "masked")]
)


def normalise(raw: pa.Array) -> pa.Table:
    """Give each user agent's form: class, operating system, family and major."""
    return pa.Table.from_pylist([_form(text) for text in raw.to_pylist()], _SCHEMA)


def _form(raw: str) -> dict[str, str | None]:
    text = _CONTROL.sub(" ", raw).strip()[:_LONGEST]
    if not text:
        return dict.fromkeys(_SCHEMA.names)
    client, system = _client(text)
    return {
        "text": text,
        "class": _class(text),
        "template": system,
        "client": client,
        "masked": client or f"{text[:8]}•••",
    }


def _class(text: str) -> str:
    if _BOT.search(text):
        return "bot"
    if text.startswith(("Mozilla/", "Opera/")):
        return "browser"
    return "tool" if _TOOL.match(text) else "sdk"


@lru_cache(maxsize=1 << 14)
def _client(text: str) -> tuple[str | None, str | None]:
    """Give family with major version, and operating system."""
    if not text.startswith(("Mozilla/", "Opera/")):
        # Libraries name themselves first; the parser's rules are for browsers.
        product = _PRODUCT.match(text)
        return (f"{product[1]} {product[2]}" if product else None), None
    agent, system = parse_user_agent(text), parse_os(text)
    client = " ".join(filter(None, (agent.family, agent.major))) if agent else None
    return client, system.family if system else None
