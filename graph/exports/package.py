"""The nouns of an export: decisions, context, files, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property

import duckdb

from graph.derived import Snapshot
from ingest.errors import RingfenceError

# The readable values behind identifiers of one kind; unknown or erased ones are absent.
# Whoever passes it audits what is asked.
Reveal = Callable[[str, Sequence[str]], Mapping[str, str]]

Json = Mapping[str, object]


class ExportError(RingfenceError):
    """The export is refused: too much for one person, or not what was looked at."""


@dataclass(frozen=True)
class Decision:
    """One approved decision in force; times are naive UTC."""

    subject_type: str
    subject_id: str
    decision_id: str
    verdict: str
    reason: str
    approver: str
    decided_at: datetime
    expires_at: datetime | None
    snapshot: str

    def stamp(self) -> dict[str, object]:
        """What every exported line says about where it comes from."""
        return {
            "decision_id": self.decision_id,
            "subject_type": self.subject_type,
            "subject_id": self.subject_id,
            "verdict": self.verdict,
            "reason": self.reason,
            "approver": self.approver,
            "decided_at": rfc3339(self.decided_at),
            "expires_at": None if self.expires_at is None else rfc3339(self.expires_at),
            "snapshot": self.snapshot,
        }


@dataclass(frozen=True)
class Settings:
    """What a company sets about its own targets."""

    webhook_secret: str = field(default="", repr=False)
    waf_scope: str = "REGIONAL"
    tlp: str = "amber"


@dataclass(frozen=True)
class Context:
    """What a format may read.

    `tables` holds a view for each derived table, `in_force` (every decision in force,
    see `graph.exports.approved`) and `decided` (those that the format takes). `clock`
    is naive UTC. `subject` names one cluster or key for formats that are about one.
    """

    snapshot: Snapshot
    tables: duckdb.DuckDBPyConnection
    clock: datetime
    reveal: Reveal
    settings: Settings
    subject: str = ""

    @cached_property
    def decisions(self) -> list[Decision]:
        """The decisions of `decided`, by type and id of their subject."""
        columns = ", ".join(one.name for one in fields(Decision))
        decided = self.tables.table("decided").project(columns)
        rows = decided.order("subject_type, subject_id").fetchall()
        return [Decision(*row) for row in rows]


@dataclass(frozen=True)
class File:
    """One file to write: `part` goes between stem and ending of the name asked for.

    `ending` replaces the ending that was asked for.
    """

    part: str
    body: bytes
    ending: str = ""


@dataclass(frozen=True)
class LeftOut:
    """Something that an approved decision would have meant, and why it stays."""

    subject: str
    why: str


@dataclass(frozen=True)
class Bundle:
    """What a format makes: the files, what takes them back, what was left out.

    A format that makes a folder fills `tree` (path to body) in place of `files`.
    """

    files: tuple[File, ...]
    rollback: tuple[File, ...]
    left_out: tuple[LeftOut, ...] = ()
    tree: Mapping[str, bytes] = field(default_factory=dict)


def rfc3339(moment: datetime) -> str:
    """A naive UTC moment as RFC 3339 text."""
    return f"{moment.isoformat()}Z"


def plain(value: object) -> object:
    """A database value as JSON knows it: times become RFC 3339 text."""
    return rfc3339(value) if isinstance(value, datetime) else value


def json_bytes(value: object) -> bytes:
    """An indented JSON document, keys in the order given."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def json_lines(rows: Sequence[Json]) -> bytes:
    """One compact JSON object a line, keys in the order given."""
    return "".join(
        json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
        for row in rows
    ).encode()
