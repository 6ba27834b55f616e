"""Upkeep changes how a ledger lies on the disk and nothing of what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest import upkeep
from ingest.ledger import Counts, Ledger
from tests.ingest.examples import BODIES, event


def _fill(ledger: Ledger, folder: Path, batches: int) -> Path:
    folder.mkdir(exist_ok=True)
    for batch in range(batches):
        names = sorted(BODIES)
        events = [event(n, batch * 100 + at) for at, n in enumerate(names)]
        path = folder / f"{batch}.ndjson"
        path.write_text("".join(json.dumps(one) + "\n" for one in [*events, "bad"]))
        ledger.ingest([path])
    return folder


def _all(ledger: Ledger) -> list[list[tuple[Any, ...]]]:
    with ledger.connect() as connection:
        return [
            connection.execute(f"FROM {view} ORDER BY ALL").fetchall()
            for view in ("events", "identifiers", "quarantine")
        ]


def test_small_segments_are_joined(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(ledger, tmp_path / "in", 2)
    rows, mark = _all(ledger), ledger.fingerprint
    reader = ledger.connect()
    monkeypatch.setattr(upkeep, "_MANY_SMALL", 2)
    now = upkeep.compact(ledger.workspace.ledger, ledger.manifest)
    assert len(now.names("events")) == 1
    assert (_all(ledger), ledger.fingerprint) == (rows, mark)
    # Who opened the ledger before still reads it whole.
    assert reader.execute("SELECT count(*) FROM events").fetchall()[0][0] == 40
    monkeypatch.undo()
    counts = ledger.ingest([tmp_path / "in"])
    assert counts == Counts(42, 0, 40, 2)
    ledger.ingest([_fill(ledger, tmp_path / "more", 1)])
    held = {p.name for p in (ledger.workspace.ledger / "events").iterdir()}
    assert held == {Path(name).name for name in ledger.manifest.names("events")}


def test_another_hash_of_the_engine_is_survived(ledger: Ledger, tmp_path: Path) -> None:
    folder = _fill(ledger, tmp_path / "in", 1)
    rows, mark = _all(ledger), ledger.fingerprint
    stale = replace(ledger.manifest, hash_probe="of an older engine", events_sum=5)
    stale.write(ledger.workspace.ledger)
    assert ledger.fingerprint != mark
    assert ledger.ingest([folder]) == Counts(21, 0, 20, 1)
    assert (_all(ledger), ledger.fingerprint) == (rows, mark)


def test_what_a_crash_left_is_swept(ledger: Ledger, tmp_path: Path) -> None:
    folder = _fill(ledger, tmp_path / "in", 1)
    orphan = ledger.workspace.ledger / "events" / "00000099-000000.parquet"
    orphan.write_bytes(b"half a segm")
    spilled = ledger.workspace.ledger / "spill" / "x"
    spilled.parent.mkdir()
    spilled.write_bytes(b"spilled")
    ledger.ingest([folder])
    assert not orphan.exists()
    assert not spilled.exists()
