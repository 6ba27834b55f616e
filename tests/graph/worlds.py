"""Small worlds for the tests of detection: events in, derived tables out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from demo.world import make
from graph.detect import Settings, derive
from graph.observations import latest_credible_time
from ingest.ledger import Ledger
from ingest.workspace import Workspace

Event = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """The derived tables of one run, as frames indexed by id."""

    connection: duckdb.DuckDBPyConnection

    def table(self, name: str, key: str) -> pd.DataFrame:
        """One derived table, indexed and sorted by `key`."""
        frame: pd.DataFrame = self.connection.table(name).df()
        return frame.set_index(key).sort_index()

    @property
    def accounts(self) -> pd.DataFrame:
        """The verdicts on accounts."""
        return self.table("accounts", "account_id")

    @property
    def keys(self) -> pd.DataFrame:
        """The verdicts on keys."""
        return self.table("keys", "key_id")

    @property
    def tenants(self) -> pd.DataFrame:
        """The verdicts on tenants."""
        return self.table("tenants", "tenant_id")


def judge(
    folder: Path, events: Iterable[Event], settings: Settings | None = None
) -> Judged:
    """Ingest the events into a fresh workspace under `folder` and derive."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = folder / "events.ndjson"
    lines.write_text("".join(json.dumps(event) + "\n" for event in events))
    workspace = Workspace.open(folder / "workspace")
    ledger = Ledger.open(workspace)
    counts = ledger.ingest([lines])
    assert counts.quarantined == 0
    connection = ledger.connect()
    as_of = latest_credible_time(connection)
    assert as_of is not None
    derive(connection, as_of, settings or Settings())
    return Judged(connection)


def made_events(folder: Path, accounts: int, seed: int) -> list[Event]:
    """Every event of a demo world."""
    world = make(folder, accounts=accounts, seed=seed)
    found: list[Event] = []
    for path in world.events:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += [json.loads(line) for line in lines]
    return found


def without(events: Iterable[Event], *fields: str) -> list[Event]:
    """The same events with some optional fields never filled in."""
    return [{k: v for k, v in event.items() if k not in fields} for event in events]


def only(events: Iterable[Event], wanted: Callable[[Event], bool]) -> list[Event]:
    """The events that `wanted` accepts."""
    return [event for event in events if wanted(event)]
