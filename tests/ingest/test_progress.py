"""What reading a ledger's files reports: bytes as they lie on the disk, to the last."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from ingest.ledger import Ledger
from ingest.progress import Report, each
from ingest.readers import bytestream, chunks, columns
from ingest.soundness import check_ledger

EVENT = {
    "type": "account.created",
    "account_id": "a",
    "occurred_at": "2026-03-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("form", "steps"), [("ndjson", 20), ("csv", 12), ("parquet", 8), ("ndjson.gz", 2)]
)
def test_reading_ends_with_every_byte_of_every_file(
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    steps: int,
) -> None:
    monkeypatch.setattr(bytestream, "BLOCK", 1 << 14)
    monkeypatch.setattr(chunks, "CHUNK", 1 << 14)
    monkeypatch.setattr(columns, "_ROWS", 500)
    files = [tmp_path / f"events-{number}.{form}" for number in (1, 2)]
    for path in files:
        _write(path, form)
    told: list[Report] = []
    counts = ledger.ingest(files, progress=told.append)
    assert counts.accepted == 4000
    reading = [one for one in told if one.what == "reading"]
    total = sum(path.stat().st_size for path in files)
    assert {(one.total, one.unit) for one in reading} == {(total, "bytes")}
    done = [one.done for one in reading]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] == total
    assert len(set(done)) > steps
    assert "4,000 records, file 2 of 2" in reading[-1].detail
    assert told[-1].what == "writing the ledger"


def _write(path: Path, form: str) -> None:
    ids = [f"{path.stem}-{number}" for number in range(2000)]
    rows = pd.DataFrame({"event_id": ids}).assign(**EVENT)
    lines = rows.to_json(orient="records", lines=True)
    if form == "ndjson.gz":
        path.write_bytes(gzip.compress(lines.encode()))
    elif form == "ndjson":
        path.write_text(lines)
    elif form == "csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path)


def test_files_are_told_before_their_work_with_the_bytes_behind() -> None:
    told: list[Report] = []
    assert list(each(told.append, "adding up", {"a": 3, "b": 4})) == ["a", "b"]
    assert [(one.done, one.total, one.detail) for one in told] == [
        (0, 7, "a"), (3, 7, "b"),
    ]  # fmt: skip


def test_a_check_tells_of_each_segment(ledger: Ledger, tmp_path: Path) -> None:
    _write(tmp_path / "events.ndjson", "ndjson")
    ledger.ingest([tmp_path / "events.ndjson"])
    told: list[Report] = []
    assert all(one.sound for one in check_ledger(ledger.workspace, told.append))
    names = {one.detail for one in told if one.what == "checking the ledger"}
    assert names == {segment.name for segment in ledger.manifest.segments}
