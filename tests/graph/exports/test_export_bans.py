"""What leaves: approval, expiry, cap, snapshot, rollback, replacement."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from graph.exports.approved import CAP
from graph.exports.package import ExportError
from graph.exports.registry import FORMATS
from ingest.errors import LedgerError, UsageError
from tests.graph.exports.world import EVERYTHING, NOON, Desk, decided

ENFORCING = [row for row in EVERYTHING if row[2] != "clear"]


def name_of(format_name: str) -> str:
    return f"bans{FORMATS[format_name].endings[0]}"


def bytes_under(paths: list[Path]) -> dict[str, bytes]:
    files = [
        file
        for path in paths
        for file in (path.rglob("*") if path.is_dir() else [path])
        if file.is_file()
    ]
    return {file.name: file.read_bytes() for file in files}


def listed(desk: Desk, decisions: pd.DataFrame, **more: object) -> set[str]:
    out = desk.export("jsonl", "bans.jsonl", decisions, **more)[0]
    return {json.loads(line)["subject_id"] for line in out.read_text().splitlines()}


@pytest.mark.parametrize("format_name", FORMATS)
def test_twice_the_same_bytes(tmp_path: Path, format_name: str) -> None:
    desk = Desk.at(tmp_path)
    first = bytes_under(desk.export(format_name, name_of(format_name)))
    second = bytes_under(desk.export(format_name, name_of(format_name)))
    assert first == second


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_export_has_its_rollback_and_names_its_decisions(
    tmp_path: Path, format_name: str
) -> None:
    desk = Desk.at(tmp_path)
    paths = desk.export(format_name, name_of(format_name))
    assert any(".rollback" in path.name for path in paths)
    manifest = json.loads(paths[-1].read_text())
    assert manifest["format"] == format_name
    assert manifest["snapshot"]["name"].startswith("20260502T120000-")
    assert manifest["decisions"]
    for decision in manifest["decisions"]:
        assert decision["decision_id"]
        assert decision["reason"] == "disposable_signup"
        assert decision["approver"] == "ben"
        assert decision["expires_at"] == "2026-08-01T00:00:00Z"
    assert {path.name for path in desk.folder.iterdir()} == {p.name for p in paths}


@pytest.mark.parametrize("format_name", FORMATS)
def test_only_what_the_format_takes_and_nothing_cleared_leaves(
    tmp_path: Path, format_name: str
) -> None:
    desk = Desk.at(tmp_path)
    paths = desk.export(format_name, name_of(format_name))
    manifest = json.loads(paths[-1].read_text())
    taken = {(d["subject_type"], d["verdict"]) for d in manifest["decisions"]}
    assert taken <= FORMATS[format_name].takes
    assert "acct-3" not in paths[-1].read_text()


@pytest.mark.parametrize(
    "format_name", [name for name in FORMATS if name not in {"evidence", "refund"}]
)
def test_no_decision_makes_an_empty_export(tmp_path: Path, format_name: str) -> None:
    nothing = decided(("account", "acct-1", "clear"))
    paths = Desk.at(tmp_path).export(format_name, name_of(format_name), nothing)
    assert all(path.exists() for path in paths)
    assert json.loads(paths[-1].read_text())["decisions"] == []


@pytest.mark.parametrize("format_name", ["evidence", "refund"])
def test_no_decision_makes_no_pack(tmp_path: Path, format_name: str) -> None:
    nothing = decided(("account", "acct-1", "clear"))
    with pytest.raises(ExportError, match="no approved decision"):
        Desk.at(tmp_path).export(format_name, "pack", nothing)


def banned(account: str, **more: object) -> pd.DataFrame:
    return decided(("account", account, "ban"), **more)


def test_expired_and_future_decisions_stay(tmp_path: Path) -> None:
    moment = timedelta(seconds=1)
    frame = pd.concat(
        [
            banned("past", expires_at=NOON),
            banned("ends", expires_at=NOON + moment),
            banned("never", expires_at=pd.NaT),
            banned("later", decided_at=NOON + moment),
        ]
    )
    assert listed(Desk.at(tmp_path), frame) == {"ends", "never"}


@pytest.mark.parametrize(("hours", "leaves"), [(2, set()), (4, {"a"})])
def test_a_later_clear_keeps_the_earlier_ban_here(
    tmp_path: Path, hours: int, leaves: set[str]
) -> None:
    clear = decided(("account", "a", "clear"), decided_at=NOON - timedelta(hours=hours))
    frame = pd.concat([banned("a", decided_at=NOON - timedelta(hours=3)), clear])
    assert listed(Desk.at(tmp_path), frame) == leaves


def test_an_expired_later_decision_does_not_revive_the_earlier(tmp_path: Path) -> None:
    clear = decided(("account", "a", "clear"), decided_at=NOON, expires_at=NOON)
    assert listed(Desk.at(tmp_path), pd.concat([banned("a"), clear])) == set()


@pytest.mark.parametrize("approver", ["", None])
def test_what_nobody_approved_stays(tmp_path: Path, approver: str | None) -> None:
    frame = decided(("account", "a", "ban"), approver=approver)
    assert listed(Desk.at(tmp_path), frame) == set()


@pytest.mark.parametrize("verdict", ["review", "watch", "clear", "dismiss"])
def test_verdicts_that_take_nothing_away_stay(tmp_path: Path, verdict: str) -> None:
    assert listed(Desk.at(tmp_path), decided(("account", "a", verdict))) == set()


def test_aware_times_are_read_as_utc(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2026-05-02T13:30:00+02:00")
    frame = decided(("account", "a", "ban"), decided_at=moment)
    assert listed(Desk.at(tmp_path), frame) == {"a"}


def test_a_frame_without_its_columns_is_refused(tmp_path: Path) -> None:
    frame = decided(("account", "a", "ban")).drop(columns=["approver", "reason"])
    with pytest.raises(ExportError, match="reason, approver"):
        listed(Desk.at(tmp_path), frame)


def many(number: int, **more: object) -> pd.DataFrame:
    return decided(*[("account", f"a{n:04}", "ban") for n in range(number)], **more)


def test_above_the_cap_one_person_is_not_enough(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    assert len(listed(desk, many(CAP))) == CAP
    with pytest.raises(ExportError, match="second person"):
        listed(desk, many(CAP + 1))
    with pytest.raises(ExportError, match="can't also second"):
        listed(desk, many(CAP + 1), seconded_by="ben")
    assert len(listed(desk, many(CAP + 1), seconded_by="ana")) == CAP + 1
    assert len(listed(desk, many(CAP + 1, second_approval=True))) == CAP + 1


def test_a_refused_export_leaves_no_file(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    with pytest.raises(ExportError):
        listed(desk, many(CAP + 1))
    assert list(desk.folder.iterdir()) == []
    assert desk.audited == []


def test_an_export_is_bound_to_the_snapshot_that_was_looked_at(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    current = "20260502T120000-ffffffffffffffff"
    assert listed(desk, decided(*EVERYTHING), snapshot=current)
    with pytest.raises(ExportError, match="look again"):
        listed(desk, decided(*EVERYTHING), snapshot="20260101T000000-0000")


def test_before_any_detection_there_is_nothing_to_export(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    (desk.workspace.derived / "current.json").unlink()
    with pytest.raises(LedgerError, match="nothing has been detected"):
        desk.export("csv", "bans.csv")


@pytest.mark.parametrize(
    ("format_name", "name"),
    [("csv", "bans.json"), ("stix", "bans"), ("evidence", "pack.tar"), ("csv", "bans")],
)
def test_a_name_that_is_not_the_formats_is_refused(
    tmp_path: Path, format_name: str, name: str
) -> None:
    with pytest.raises(UsageError, match="give the name"):
        Desk.at(tmp_path).export(format_name, name)


def test_an_unknown_format_is_refused_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose from csv, jsonl"):
        Desk.at(tmp_path).export("xml", "bans.xml")


def test_the_audit_tells_what_was_written_and_names_no_subject(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    desk.export("csv", "bans.csv")
    (entry,) = desk.audited
    assert entry["format"] == "csv"
    assert entry["decisions"] == len(ENFORCING)
    assert "acct" not in json.dumps(entry)


@pytest.mark.parametrize("name", ["bans.csv", "new/folder/bans.csv"])
def test_files_are_private(tmp_path: Path, name: str) -> None:
    for path in Desk.at(tmp_path).export("csv", name):
        assert path.stat().st_mode & 0o077 == 0


def test_a_second_export_keeps_the_way_back_of_what_lapsed(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    desk.export("auth0", "bans.jsonl", decided(("account", "a", "ban")))
    rollback = (desk.folder / "bans.rollback.jsonl").read_bytes()
    both = decided(("account", "x", "review"), ("account", "b", "ban"))
    paths = desk.export("auth0", "bans.jsonl", both)
    manifest = json.loads(paths[-1].read_text())
    assert [one["subject_id"] for one in manifest["lapsed"]] == ["a"]
    (kept,) = manifest["rollback_of_lapsed"]
    assert (desk.folder / kept).read_bytes() == rollback


def test_a_second_export_removes_parts_that_no_longer_hold(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    desk.export("stripe-radar", "bans.jsonl")
    assert (desk.folder / "bans.email.txt").exists()
    desk.export("stripe-radar", "bans.jsonl", decided(("account", "cus_9", "ban")))
    assert not (desk.folder / "bans.email.txt").exists()
    assert (desk.folder / "bans.customer_id.txt").exists()


def test_a_strangers_manifest_leads_nowhere(
    tmp_path: Path,
) -> None:
    desk = Desk.at(tmp_path)
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    note = desk.folder / "bans.csv.manifest.json"
    note.write_text("{}")
    with pytest.raises(ExportError, match="no manifest"):
        desk.export("csv", "bans.csv")
    hostile = {
        "made_at": "2026-01-01T00:00:00Z",
        "decisions": [],
        "files": {"../precious.txt": "", "/etc/hostname": ""},
        "rollback": {},
    }
    note.write_text(json.dumps(hostile))
    desk.export("csv", "bans.csv")
    assert precious.read_text() == "mine"


def test_a_folder_that_is_no_export_is_not_replaced(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    (desk.folder / "pack").mkdir()
    (desk.folder / "pack" / "thesis.txt").write_text("mine")
    with pytest.raises(ExportError, match="no earlier export"):
        desk.export("evidence", "pack")
    assert (desk.folder / "pack" / "thesis.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    (desk.folder / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        desk.export("csv", "file/bans.csv")
