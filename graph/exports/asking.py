"""Who asks for an export: the case file's decisions, the vault's values, the audit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from graph.access import Person, Right, RoleBook
from graph.exports.package import Json, Reveal, Settings
from ingest.workspace import Workspace

if TYPE_CHECKING:
    from graph.cases import Cases


class Vault(Protocol):
    """What an export asks of the ledger."""

    def reveal(self, kind: str, identifier: str) -> str | None:
        """The readable value behind an identifier, None without one."""


def settings_here() -> Settings:
    """`RINGFENCE_WEBHOOK_SECRET`, `RINGFENCE_WAF_SCOPE` and `RINGFENCE_TLP`."""
    return Settings(
        webhook_secret=os.environ.get("RINGFENCE_WEBHOOK_SECRET", ""),
        waf_scope=os.environ.get("RINGFENCE_WAF_SCOPE", "REGIONAL"),
        tlp=os.environ.get("RINGFENCE_TLP", "amber"),
    )


@dataclass(frozen=True)
class Request:
    """Who asks for what.

    `decisions` are those of the case file (columns of `approved.COLUMNS`); `reveal`
    gives readable values and audits that it did; `audit` is told what was written.
    `snapshot` is the one that the asking person looked at, if any; `subject` one
    cluster or key for the formats about one; `seconded_by` the person who agreed to an
    export above the cap. Without `settings`, the environment's hold.
    """

    decisions: pd.DataFrame
    reveal: Reveal
    audit: Callable[[Json], None] = lambda _: None
    snapshot: str = ""
    subject: str = ""
    seconded_by: str = ""
    settings: Settings = field(default_factory=settings_here)


def request_of(cases: Cases, vault: Vault, person: Person, clock: datetime) -> Request:
    """A request of `person`, whose reveals and export enter the case file's audit.

    `clock` is naive UTC. Raises `AccessError` when the person may not export.
    """
    from graph.audit import Entry
    from graph.case_writing import TOMBSTONE

    person.require(Right.EXPORT)

    def reveal(kind: str, identifiers: Sequence[str]) -> Mapping[str, str]:
        if not identifiers:
            return {}
        person.require(Right.REVEAL)
        detail = {"values": len(identifiers), "why": "export"}
        cases.record(Entry(clock, person.name, "reveal", kind, detail), person)
        found = {name: vault.reveal(kind, name) for name in identifiers}
        return {name: value for name, value in found.items() if value is not None}

    def audit(detail: Json) -> None:
        entry = Entry(clock, person.name, "export", str(detail["format"]), detail)
        cases.record(entry, person)

    decisions = cases.approved(clock)
    # No target knows somebody by a tombstone.
    forgotten = decisions["subject_id"].astype("str").str.startswith(TOMBSTONE)
    return Request(decisions[~forgotten].reset_index(drop=True), reveal, audit)


@contextmanager
def local_request(workspace: Workspace, clock: datetime) -> Iterator[Request]:
    """The request of whoever sits at this machine, by the workspace's role file."""
    # The contract's tables are written without the case file and the ledger.
    from graph.cases import Cases
    from ingest.ledger import Ledger
    from ingest.pepper import Pepper

    person = RoleBook.of(workspace).local
    cases = Cases.open(workspace, Pepper.load().secret)
    try:
        yield request_of(cases, Ledger.open(workspace), person, clock)
    finally:
        cases.close()
