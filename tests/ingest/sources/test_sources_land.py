"""Every field of every source lands where it should."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from ingest.ledger import Ledger
from ingest.readers.chunks import chunks
from ingest.readers.files import walk
from ingest.sources import SOURCES, named
from ingest.sources.adapt import adapt

DATA = Path(__file__).parent / "data"
GOOD = sorted(path for path in DATA.glob("*.json*") if "_bad" not in path.name)
names = pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)


def events(path: Path) -> tuple[set[str], list[dict[str, object]]]:
    """Give the names of the sources that were recognised, and the events, sorted."""
    sources: set[str] = set()
    found: list[dict[str, object]] = []
    with duckdb.connect() as connection:
        for chunk in chunks(list(walk([path]))):
            sources.add(chunk.source.name)
            table, refused = adapt(connection, chunk)
            assert refused.num_rows == 0
            texts = table.column("record").to_pylist()
            found += [_filled(json.loads(text)) for text in texts]
    return sources, sorted(found, key=json.dumps)


def _filled(event: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in event.items() if value is not None}


@names
def test_a_file_becomes_exactly_these_events(path: Path) -> None:
    sources, found = events(path)
    lines = (DATA / "expected" / f"{path.stem}.jsonl").read_text().splitlines()
    assert sources == {path.stem.split("_")[0]}
    assert found == sorted((json.loads(line) for line in lines), key=json.dumps)


def test_the_ledger_takes_every_event_once(ledger: Ledger) -> None:
    first, again = ledger.ingest(GOOD), ledger.ingest(GOOD)
    # The list of charges repeats two events of the webhook's file.
    assert (first.quarantined, first.duplicate) == (0, 4)
    assert (again.accepted, again.duplicate) == (0, first.read)


def test_every_source_has_a_fixture_of_good_and_bad_records() -> None:
    others = {source.name for source in SOURCES} - {"events"}
    assert {path.stem.split("_")[0] for path in GOOD} == others
    assert {path.stem.split("_")[0] for path in DATA.glob("*_bad.*")} == others


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_is_found_by_its_name(source: object) -> None:
    assert named(source.name) is source  # type: ignore[attr-defined]
