"""Whatever a record's members hold, a source goes on and never raises."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ingest.sources import named

DATA = Path(__file__).parent / "data"
STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e300,
    10**40,
    99999999999999999,
    "",
    "{",
    "[1",
    '{"id": []}',
    "\x00' OR 1=1 --",
    "9" * 400,
    "+99999-99-99T99:99:99Z",
    [],
    [[]],
    [{"user_id": {}}],
    {},
    {"id": {"id": None}},
)
FILES = sorted(path for path in DATA.glob("*.json*") if "_bad" not in path.name)


def records(path: Path) -> list[Any]:
    text = path.read_text()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    told = json.loads(text)
    held = [told] if isinstance(told, dict) else told
    inner = (
        one for name in ("data", "Records", "reports") for one in _list(held, name)
    )
    return [*held, *inner]


def _list(held: list[Any], name: str) -> list[Any]:
    found = held[0].get(name)
    return found if isinstance(found, list) else []


def mutants(record: Any) -> Iterator[Any]:
    """Replace each member, at any depth, by a third of the strange values in turn."""
    for at, place in enumerate(list(places(record))):
        for strange in STRANGE[at % 3 :: 3]:
            mutant = copy.deepcopy(record)
            target = mutant
            for step in place[:-1]:
                target = target[step]
            target[place[-1]] = strange
            yield mutant


def places(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node)
    for step, value in inner:
        yield (*above, step)
        if isinstance(value, (dict, list)):
            yield from places(value, (*above, step))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_value_stops_a_source(path: Path) -> None:
    source = named(path.stem.split("_")[0])
    texts = [json.dumps(one) for record in records(path) for one in mutants(record)]
    count = len(texts)
    table = pa.table(
        {
            "file": pa.array([0] * count, pa.int32()),
            "line": pa.array(range(count), pa.int64()),
            "record": pa.array(texts, pa.string()),
        }
    )
    with duckdb.connect() as connection:
        connection.register("mutants", table)
        events = source.events(connection.sql("FROM mutants")).to_arrow_table()
    rows = events.to_pylist()
    made = [json.loads(row["record"]) for row in rows if row["problem"] is None]
    assert all({"event_id", "type", "occurred_at"} <= event.keys() for event in made)
    assert made or path.stem == "github_webhook"
