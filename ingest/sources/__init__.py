"""Sources: each turns records as another system writes them into contract events.

To add one, write a module with a `Source` and name it in `SOURCES`. Its `events`
receives a relation of raw records (`file` INTEGER, `line` BIGINT, `record` valid JSON)
and returns one with the same columns, where `record` is a contract event as JSON: no
row, one or several for a record. Event ids must follow from the record alone, so that
a file read twice changes nothing. A fourth column `problem` (VARCHAR) may say why a
record can't be an event: that record goes to quarantine as it is. Values that the
contract forbids need no check here; a raw API key may stand in `key_hash`, where it
becomes its keyed hash before anything is stored.
"""

from __future__ import annotations

import json
from pathlib import Path

from ingest.errors import UsageError
from ingest.sources import (
    access,
    anthropic,
    auth0,
    bedrock,
    cloudtrail,
    github,
    gitleaks,
    litellm,
    mapping,
    okta,
    openai,
    otel,
    stripe,
    trufflehog,
)
from ingest.sources.adapter import Record, Relation
from ingest.sources.source import Source

__all__ = ["EVENTS", "SOURCES", "Record", "Relation", "Source", "named", "recognise"]


def _is_event(record: Record) -> bool:
    return "event_id" in record and "occurred_at" in record


def _as_they_are(records: Relation) -> Relation:
    return records


EVENTS = Source("events", "the contract's own events", _is_event, _as_they_are)

SOURCES: tuple[Source, ...] = (
    EVENTS,
    litellm.SOURCE,
    stripe.SOURCE,
    cloudtrail.SOURCE,
    bedrock.SOURCE,
    openai.SOURCE,
    anthropic.SOURCE,
    github.SOURCE,
    gitleaks.SOURCE,
    trufflehog.SOURCE,
    auth0.SOURCE,
    okta.SOURCE,
    otel.SOURCE,
    access.SOURCE,
)
"""Every source, asked in this order whether it knows a file's first record."""


def named(name: str) -> Source:
    """Find a source by name, or make one from the mapping file of that name.

    Raises `UsageError` for a name that is neither.
    """
    if name.endswith((".yaml", ".yml")):
        return mapping.load(Path(name))
    for source in SOURCES:
        if source.name == name:
            return source
    known = ", ".join(source.name for source in SOURCES)
    raise UsageError(
        f"no source is called {name!r}: use one of {known}, or a mapping's .yaml file"
    )


def recognise(text: str) -> Source:
    """Choose the source of a file by its first record; else the contract's own."""
    try:
        first = json.loads(text)
    except (ValueError, RecursionError):
        return EVENTS
    for source in SOURCES:
        if any(source.recognises(one) for one in _candidates(first, source)):
            return source
    return EVENTS


def _candidates(first: object, source: Source) -> list[Record]:
    """Give the record and the first ones of the arrays that may hold records."""
    if isinstance(first, list):
        return [one for one in first[:1] if isinstance(one, dict)]
    if not isinstance(first, dict):
        return []
    held = [first.get(name) for name in source.envelopes]
    inner = [one[0] for one in held if isinstance(one, list) and one]
    return [one for one in (first, *inner) if isinstance(one, dict)]
