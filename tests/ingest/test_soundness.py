"""Whatever changes in a ledger behind the program's back is found and named."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.errors import LedgerError
from ingest.ledger import Ledger
from ingest.soundness import check_ledger
from ingest.workspace import Workspace
from tests.ingest.conftest import Take
from tests.ingest.examples import BODIES, event

FLIPS = 8


@pytest.fixture
def filled(ledger: Ledger, take: Take) -> Ledger:
    take([*(event(name, at) for at, name in enumerate(sorted(BODIES))), "bad"])
    return ledger


def _wrong(ledger: Ledger) -> list[str]:
    return [one.text for one in check_ledger(ledger.workspace) if not one.sound]


def test_what_was_written_is_sound(filled: Ledger) -> None:
    (found,) = check_ledger(filled.workspace)
    assert found.sound
    assert found.text.startswith("20 events, as they were written")


def test_a_flipped_bit_is_found_in_every_family(filled: Ledger) -> None:
    chance = random.Random(5)  # noqa: S311
    for segment in filled.manifest.segments:
        path = filled.workspace.ledger / segment.name
        whole = path.read_bytes()
        for _ in range(FLIPS):
            at = chance.randrange(len(whole))
            flipped = whole[at] ^ (1 << chance.randrange(8))
            path.write_bytes(whole[:at] + bytes([flipped]) + whole[at + 1 :])
            (text,) = _wrong(filled)
            assert str(path) in text
            assert "backup" in text
        path.write_bytes(whole)
    assert _wrong(filled) == []


def test_a_cut_or_missing_segment_is_named(filled: Ledger) -> None:
    path = filled.workspace.ledger / filled.manifest.names("vault")[0]
    path.write_bytes(path.read_bytes()[:-1])
    assert "is not what was written" in _wrong(filled)[0]
    path.unlink()
    assert "is missing" in _wrong(filled)[0]


def test_a_manifest_that_was_torn_edited_or_lost_is_found(filled: Ledger) -> None:
    path = filled.workspace.ledger / "manifest.json"
    text = path.read_text()
    edited = json.loads(text) | {"events_sum": 5}
    for damaged in (text[: len(text) // 2], json.dumps(edited), "", "[]"):
        path.write_text(damaged)
        assert "is damaged" in _wrong(filled)[0]
    path.unlink()
    assert "is missing beside its segments" in _wrong(filled)[0]


def test_a_lost_manifest_never_costs_the_segments(filled: Ledger, take: Take) -> None:
    (filled.workspace.ledger / "manifest.json").unlink()
    before = sorted(filled.workspace.ledger.rglob("*.parquet"))
    with pytest.raises(LedgerError, match="missing beside its segments"):
        take([event("account.closed", 99)])
    assert sorted(filled.workspace.ledger.rglob("*.parquet")) == before


def test_events_that_were_exchanged_with_their_checksum_are_found(
    filled: Ledger, tmp_path: Path
) -> None:
    """Another ledger's segment and a manifest sealed anew: the sum tells."""
    manifest = filled.manifest
    other = Ledger.open(Workspace.open(tmp_path / "other"))
    lines = tmp_path / "others.ndjson"
    events = [event(name, 50 + at) for at, name in enumerate(sorted(BODIES))]
    lines.write_text("".join(json.dumps(one) + "\n" for one in events))
    other.ingest([lines])
    (theirs,) = (s for s in other.manifest.segments if s.family == "events")
    shutil.copy(
        other.workspace.ledger / theirs.name, filled.workspace.ledger / theirs.name
    )
    segments = [theirs if s.family == "events" else s for s in manifest.segments]
    forged = replace(manifest, segments=tuple(segments))
    forged.write(filled.workspace.ledger)
    assert "do not add up" in _wrong(filled)[0]
