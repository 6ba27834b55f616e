"""The seam of sources: records in, contract events out, the rest to quarantine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest import sources
from ingest.ledger import Counts, Ledger
from ingest.sources import EVENTS, Record, Relation, Source


def _closed(records: Relation) -> Relation:
    """Give two events for a closing, none for a note."""
    events = records.query(
        "records",
        """
        SELECT file, line,
               to_json({event_id: 'door-' || (record ->> '$.id') || part,
                        type: 'account.closed', occurred_at: record ->> '$.at',
                        account_id: record ->> '$.who'})::VARCHAR AS record,
               CASE WHEN record ->> '$.id' IS NULL THEN 'id: is missing' END AS problem
        FROM records, (VALUES ('a'), ('b')) AS parts (part)
        WHERE record ->> '$.kind' = 'close'
        """,
    )
    assert events is not None
    return events


def _is_door(record: Record) -> bool:
    return "door" in record


DOORS = Source("doors", "a test's own", _is_door, _closed, envelopes=("doors",))


@pytest.fixture(autouse=True)
def _with_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", (EVENTS, DOORS))


def _door(number: int | None, kind: str = "close") -> dict[str, object]:
    at = "2026-06-01T00:00:00Z"
    body = {"door": 1, "id": number, "kind": kind, "at": at, "who": "a1"}
    return {name: value for name, value in body.items() if value is not None}


def test_a_file_of_a_source_is_recognised_and_read_once(
    ledger: Ledger, tmp_path: Path
) -> None:
    lines = [json.dumps(one) for one in (_door(1), _door(2, "note"), _door(3))]
    (tmp_path / "a.ndjson").write_text("\n".join([*lines, "{broken"]))
    held = {"doors": [_door(1), _door(4)]}
    (tmp_path / "b.json").write_text(json.dumps(held, indent=1))
    (tmp_path / "c.json").write_text(json.dumps([_door(5)]))
    files = [tmp_path / name for name in ("a.ndjson", "b.json", "c.json")]
    assert ledger.ingest(files) == Counts(11, 8, 2, 1)
    assert ledger.ingest(files) == Counts(11, 0, 10, 1)


def test_a_record_that_is_no_event_is_quarantined_as_it_is(
    ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("\n".join(json.dumps(one) for one in (_door(1), _door(None))))
    counts = ledger.ingest([path], source="doors")
    assert counts.accepted == 2
    with ledger.connect() as connection:
        rows = connection.execute("SELECT line, reason FROM quarantine").fetchall()
    assert rows == [(2, "id: is missing")]
    assert counts.read == counts.accepted + counts.quarantined
