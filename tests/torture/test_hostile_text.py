"""Hostile text in every text field: the graph keeps its shape, a log line its line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from graph.derived import Snapshot
from graph.detect import detect
from graph.model import NODE, NODES, RELATIONSHIPS
from graph.publish import note, publish
from graph.store import Store
from ingest.contract import EVENT_TYPES, FIELDS, Kind
from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.ingest.examples import BODIES, event
from tests.torture.forms import forms
from tests.torture.texts import HOSTILE, MEGABYTE

# Strings, each in every text field of every type of event, on both databases.
TEXTS_SHORT, TEXTS_LONG = 20, 500

_EMPTY = "MATCH (n) DETACH DELETE n"
_LABELS = "MATCH (n) UNWIND labels(n) AS name RETURN DISTINCT name"
_TYPES = "MATCH ()-[r]->() RETURN DISTINCT type(r) AS name"
_NODE_KEYS = "MATCH (n) UNWIND keys(n) AS name RETURN DISTINCT name"
_TIE_KEYS = "MATCH ()-[r]->() UNWIND keys(r) AS name RETURN DISTINCT name"
_TAG = {"ringfence_run"}

Made = Callable[[int], tuple[Workspace, Snapshot]]


def _text_fields(name: str) -> list[str]:
    kind = next(one for one in EVENT_TYPES if one.name == name)
    chosen = {"type", "event_id", *kind.choices}
    return [f for f in kind.fields if FIELDS[f] is Kind.TEXT and f not in chosen]


def _soaked(name: str, number: int, text: str) -> dict[str, object]:
    """An event with `text` in each of its text fields, the id included."""
    changes = dict.fromkeys(_text_fields(name), text)
    return event(name, number, **changes) | {"event_id": f"{text} {name} {number}"}


def _lines(texts: tuple[str, ...]) -> list[str]:
    soaked = [_soaked(name, n, t) for n, t in enumerate(texts) for name in BODIES]
    long = texts[0] + "x" * MEGABYTE
    soaked.append(_soaked("account.closed", 0, long))
    soaked += [
        event("account.created", 0, event_id=f"long-{field}", **{field: long})
        for field in _text_fields("account.created")
    ]
    return [json.dumps(one) + "\n" for one in soaked]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The snapshot of a world of hostile text, made once for each number of texts."""
    known: dict[int, tuple[Workspace, Snapshot]] = {}

    def make(cases: int) -> tuple[Workspace, Snapshot]:
        if cases not in known:
            folder = tmp_path_factory.mktemp("hostile")
            workspace = Workspace.open(folder / "workspace")
            lines = _lines(HOSTILE[:: len(HOSTILE) // cases])
            file = folder / "hostile.ndjson"
            file.write_text("".join(lines), encoding="utf-8")
            counts = Ledger.open(workspace).ingest([file])
            assert counts.read == len(lines)
            assert counts.accepted > 0.9 * len(lines)
            known[cases] = workspace, detect(workspace)
        return known[cases]

    return make


def _names(store: Store, *texts: str) -> set[object]:
    return {row["name"] for text in texts for row in store.run(text)}


@forms(TEXTS_SHORT, TEXTS_LONG)
def test_no_text_becomes_a_label_type_or_key(
    cases: int, store: Store, made: Made
) -> None:
    workspace, snapshot = made(cases)
    store.run(_EMPTY, write=True)
    publish(workspace, snapshot, store)
    noted = {"lane", "id", *note.Note.__dataclass_fields__}
    of_nodes = {p.name for node in NODES for p in node.properties}
    of_ties = {p.name for kind in RELATIONSHIPS for p in kind.properties}
    assert _names(store, _LABELS) <= {*NODE, "Publication"}
    assert _names(store, _TYPES) <= {kind.type for kind in RELATIONSHIPS}
    assert _names(store, _NODE_KEYS) <= of_nodes | _TAG | noted
    assert _names(store, _TIE_KEYS) <= of_ties | _TAG
    count = store.run("MATCH (a:Account) RETURN count(a) AS n")[0]["n"]
    assert count == _accounts(snapshot)


def _accounts(snapshot: Snapshot) -> int:
    with snapshot.connect() as connection:
        row = connection.execute("SELECT count(*) FROM accounts").fetchone()
    assert row is not None
    return int(row[0])
