"""What the tests of publishing share: a world to publish, and how a graph is read."""

from __future__ import annotations

from typing import Protocol

from graph.derived import Snapshot
from graph.publish import graph_hash, publish
from graph.store import Store
from ingest.workspace import Workspace

Row = dict[str, object]
Tables = dict[str, list[Row]]

COUNTS = "MATCH (n) WHERE NOT n:Publication RETURN labels(n)[0] AS name, count(*) AS n"
EMPTY = "MATCH (n) DETACH DELETE n"
HOSTILE = (
    "` DETACH DELETE n //",
    "A\\u0060) RETURN 'INJECTED' AS r //",
    "'}) CREATE (:Owned {id: 1}) //",
    "\u202e\u200b\ufeff <img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "nul\x00in\x1b[31mside",
    "x" * 100_000,
    "{}[]$run ${row[0]} %s %(id)s",
)


class World(Protocol):
    """A workspace and what may be derived in it, see `conftest.py`."""

    @property
    def workspace(self) -> Workspace: ...

    def first(self) -> Snapshot: ...

    def later(self) -> Snapshot: ...

    def of(self, given: Tables) -> Snapshot: ...


class CutError(Exception):
    """Stands for whatever ends a publisher in the middle."""


def told(store: Store, text: str) -> dict[object, object]:
    return {row["name"]: row["n"] for row in store.run(text)}


def afresh(workspace: Workspace, snapshot: Snapshot, store: Store) -> str:
    """The hash of the snapshot published into an emptied database."""
    store.run(EMPTY, write=True)
    assert publish(workspace, snapshot, store).mode == "create"
    return graph_hash(store)


def soaked(tables: Tables, text: str) -> Tables:
    """Every id and every free text of the tables starts with `text`."""
    ids = {"account_id", "identifier", "invited_by", "tenant_id", "key_id"}
    free = {"plan", "masked", "class", "domain", "summary", "typology", "culprit"}

    def soak(row: Row) -> Row:
        soaked = {**row}
        for name in ids & set(row):
            soaked[name] = None if row[name] is None else f"{text}{row[name]}"
        for name in free & set(row):
            soaked[name] = text
        return soaked

    return {name: [soak(row) for row in rows] for name, rows in tables.items()}
