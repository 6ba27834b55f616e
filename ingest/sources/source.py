"""A source as the registry knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.sources.adapter import Record, Relation


@dataclass(frozen=True)
class Source:
    """One system's records: how they are recognised and what events they become.

    `envelopes` are the members under which a document may hold its records, such as
    `Records`; a top-level array needs no naming. `secret` says that records may hold
    raw secrets, so that the text of one that can't be read is not kept.
    """

    name: str
    summary: str
    recognises: Callable[[Record], bool]
    events: Callable[[Relation], Relation]
    envelopes: tuple[str, ...] = ()
    secret: bool = False
