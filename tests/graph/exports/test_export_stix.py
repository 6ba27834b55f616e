"""STIX: what the library accepts, without an address of mail or a secret."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import stix2

from graph.exports.package import Settings
from ingest.errors import UsageError
from tests.graph.exports.world import READABLE, SECRET, Desk, decided


def exported(desk: Desk, **more: Any) -> tuple[Path, Path]:
    out, rollback, _ = desk.export("stix", "bans.json", **more)
    return out, rollback


def objects(path: Path, kind: str) -> list[dict[str, Any]]:
    bundle = json.loads(path.read_text())
    return [one for one in bundle["objects"] if one["type"] == kind]


def test_the_library_parses_both_bundles(tmp_path: Path) -> None:
    for path in exported(Desk.at(tmp_path)):
        bundle = stix2.parse(path.read_text(), allow_custom=False, version="2.1")
        assert bundle.type == "bundle"
        assert len({one.id for one in bundle.objects}) == len(bundle.objects)


def test_every_reference_is_in_the_bundle(tmp_path: Path) -> None:
    for path in exported(Desk.at(tmp_path)):
        bundle = json.loads(path.read_text())
        known = {one["id"] for one in bundle["objects"]}
        for one in bundle["objects"]:
            for key, value in one.items():
                if key.endswith("_ref"):
                    assert value in known
                if key.endswith("_refs"):
                    assert set(value) <= known


def test_each_decision_is_an_indicator_with_its_expiry(tmp_path: Path) -> None:
    out, _ = exported(Desk.at(tmp_path))
    indicators = objects(out, "indicator")
    named = {one["external_references"][0]["external_id"] for one in indicators}
    assert named == {"d-1", "d-2", "d-4", "d-6", "d-8"}
    assert {one["valid_until"] for one in indicators} == {"2026-08-01T00:00:00Z"}
    assert not any(one.get("revoked") for one in indicators)
    notes = objects(out, "note")
    assert len(notes) == len(indicators)
    assert all("approved by ben" in note["content"] for note in notes)


def test_the_rollback_revokes_the_same_indicators(tmp_path: Path) -> None:
    out, rollback = exported(Desk.at(tmp_path))
    given = {one["id"]: one for one in objects(out, "indicator")}
    taken = {one["id"]: one for one in objects(rollback, "indicator")}
    assert given.keys() == taken.keys()
    for name, one in taken.items():
        assert one["revoked"] is True
        assert one["modified"] > given[name]["modified"]


def test_a_decision_of_this_very_moment_can_be_revoked(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2026-05-02T12:00:00")
    frame = decided(("account", "a", "ban"), decided_at=moment)
    out, rollback = exported(Desk.at(tmp_path), decisions=frame)
    before, after = objects(out, "indicator")[0], objects(rollback, "indicator")[0]
    assert after["modified"] > before["modified"]


def test_mail_is_hashed_and_no_secret_is_in_it(tmp_path: Path) -> None:
    out, rollback = exported(Desk.at(tmp_path))
    assert [one["value"] for one in objects(out, "email-addr")] == [
        "mail-1@hashed.invalid",
        "mail-2@hashed.invalid",
    ]
    text = out.read_text() + rollback.read_text()
    hidden = [v for name, v in READABLE.items() if name.startswith(("mail", "card"))]
    assert not any(value in text for value in [*hidden, SECRET, "credential"])


def test_only_exclusive_addresses_are_shared(tmp_path: Path) -> None:
    out, _ = exported(Desk.at(tmp_path))
    assert {one["value"] for one in objects(out, "ipv4-addr")} == {
        "203.0.113.7",
        "198.51.100.9",
    }
    assert [o["value"] for o in objects(out, "ipv6-addr")] == ["2001:db8:7:1::/64"]


@pytest.mark.parametrize("name", ["o'brien", "back\\slash", "'] OR [a:b='c", "日本"])
def test_hostile_ids_stay_inside_the_pattern(tmp_path: Path, name: str) -> None:
    frame = decided(("account", name, "ban"))
    out, _ = exported(Desk.at(tmp_path), decisions=frame)
    stix2.parse(out.read_text(), version="2.1")
    (indicator,) = objects(out, "indicator")
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    assert f"'{escaped}'" in indicator["pattern"]
    assert objects(out, "user-account")[0]["user_id"] == name


@pytest.mark.parametrize("marking", ["white", "green", "amber", "red"])
def test_everything_carries_the_marking(tmp_path: Path, marking: str) -> None:
    desk = Desk.at(tmp_path)
    out, _ = exported(desk, settings=Settings(tlp=marking))
    bundle = json.loads(out.read_text())
    mark = bundle["objects"][0]
    assert mark["definition"] == {"tlp": marking}
    for one in bundle["objects"][1:]:
        assert one["object_marking_refs"] == [mark["id"]]


def test_an_unknown_marking_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="RINGFENCE_TLP"):
        exported(Desk.at(tmp_path), settings=Settings(tlp="pink"))
