"""Each format as its target reads it: golden files, shapes, limits, the way back."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from graph.exports import FORMATS
from tests.graph.exports.world import Desk, decided

GOLDEN = Path(__file__).parent / "golden"
KEPT = {
    folder.name: sorted(path for path in folder.rglob("*") if path.is_file())
    for folder in GOLDEN.iterdir()
    if folder.is_dir()
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def normal(path: Path) -> object:
    """A golden file's content; control ids belong to another file's tests."""
    if path.parts[-2] != "stix":
        return path.read_bytes()
    bundle = json.loads(path.read_text())
    for one in bundle["objects"]:
        if one["type"] == "attack-pattern":
            del one["external_references"]
    return bundle


@pytest.mark.parametrize("format_name", sorted(KEPT))
def test_golden(tmp_path: Path, format_name: str) -> None:
    desk = Desk.at(tmp_path)
    desk.folder = tmp_path / format_name
    desk.export(format_name, f"bans{FORMATS[format_name].endings[0]}")
    for path in KEPT[format_name]:
        made = desk.folder / path.relative_to(GOLDEN / format_name)
        assert normal(made) == normal(path), f"{made} is not {path}"


def test_every_format_has_golden_files() -> None:
    assert {*KEPT, "parquet"} == set(FORMATS)


def test_parquet_lists_hold_typed_times(tmp_path: Path) -> None:
    out, rollback, _ = Desk.at(tmp_path).export("parquet", "bans.parquet")
    relation = duckdb.read_parquet(str(out))
    assert str(relation.types[relation.columns.index("expires_at")]).endswith("ZONE")
    actions = dict(relation.project("subject_id, action").fetchall())
    back = duckdb.read_parquet(str(rollback)).project("subject_id, action").fetchall()
    assert actions["acct-1"] == "ban"
    assert dict(back)["acct-1"] == "unban"


INVERSE = {
    "ban": "unban",
    "hold": "release",
    "revoke": "reinstate",
    "throttle": "unthrottle",
}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_list_and_its_rollback_pair_row_by_row(tmp_path: Path, ending: str) -> None:
    out, rollback, _ = Desk.at(tmp_path).export(ending, f"bans.{ending}")
    there, back = (
        list(csv.DictReader(path.read_text().splitlines()))
        if ending == "csv"
        else lines(path)
        for path in (out, rollback)
    )
    assert len(there) == 7
    for row, undo in zip(there, back, strict=True):
        assert undo == row | {"action": INVERSE[row["action"]]}


HOSTILE = ["a/../../b", "..", "a?b=c#d", "auth0|5f", "a b", "é", "a\nb", "%2e%2e"]


@pytest.mark.parametrize("format_name", ["auth0", "okta"])
def test_an_id_never_leaves_its_segment_of_the_path(
    tmp_path: Path, format_name: str
) -> None:
    frame = decided(*[("account", name, "ban") for name in HOSTILE])
    out = Desk.at(tmp_path).export(format_name, "bans.jsonl", frame)[0]
    depth = {"auth0": 5, "okta": 7}[format_name]
    for call in lines(out):
        parts = call["path"].split("/")
        assert len(parts) == depth
        assert not {".", "..", ""} & set(parts[1:])
        assert not set(call["path"]) & set("?#\n ")
        assert call["subject_id"] in HOSTILE


UNDONE = {
    "auth0": ({"blocked": True}, {"blocked": False}),
    "okta": ("suspend", "unsuspend"),
    "litellm": ("block", "unblock"),
}


@pytest.mark.parametrize("format_name", UNDONE)
def test_replaying_the_rollback_restores_the_target(
    tmp_path: Path, format_name: str
) -> None:
    out, rollback, _ = Desk.at(tmp_path).export(format_name, "bans.jsonl")
    forward, backward = UNDONE[format_name]
    blocked: set[str] = set()
    for call in [*lines(out), *lines(rollback)]:
        step = call["body"] if format_name == "auth0" else call["path"].split("/")[-1]
        assert step in (forward, backward)
        change = blocked.add if step == forward else blocked.remove
        change(call["subject_id"])
    assert lines(out)
    assert blocked == set()


def test_litellm_calls_have_the_proxys_shapes(tmp_path: Path) -> None:
    calls = lines(Desk.at(tmp_path).export("litellm", "bans.jsonl")[0])
    shapes = {call["path"]: call["body"] for call in calls}
    assert shapes == {
        "/customer/block": {"user_ids": ["user-5"]},
        "/key/block": {"key": "k-leaked"},
    }


# `item_type` of Stripe's OpenAPI description, release of 2026-11 (MIT).
ITEM_TYPES = {
    "account", "card_bin", "card_fingerprint", "case_sensitive_string", "country",
    "crypto_fingerprint", "customer_id", "email", "ip_address",
    "sepa_debit_fingerprint", "string", "us_bank_account_fingerprint",
}  # fmt: skip


def test_stripe_lists_come_before_their_items(tmp_path: Path) -> None:
    calls = lines(Desk.at(tmp_path).export("stripe-radar", "bans.jsonl")[0])
    made: set[str] = set()
    for call in calls:
        body = call["body"]
        if call["path"] == "/v1/radar/value_lists":
            assert set(body) == {"alias", "name", "item_type"}
            assert body["item_type"] in ITEM_TYPES
            made.add(body["alias"])
        else:
            assert set(body) == {"value_list", "value"}
            assert body["value_list"] in made
            assert call["decision_id"]
    values = {call["body"]["value"] for call in calls if "value" in call["body"]}
    assert values == {
        "Fp7Vq2mXk", "cus_9", "farm1@example.com", "farm2@example.com", "203.0.113.7",
    }  # fmt: skip


def test_stripe_rollback_finds_every_item(tmp_path: Path) -> None:
    paths = Desk.at(tmp_path).export("stripe-radar", "bans.jsonl")
    rollback = next(path for path in paths if ".rollback" in path.name)
    added = [call["body"] for call in lines(paths[0]) if "value" in call["body"]]
    assert [call["find"]["body"] for call in lines(rollback)] == added


def test_a_card_lent_to_an_honest_account_stays(tmp_path: Path) -> None:
    paths = Desk.at(tmp_path).export("stripe-radar", "bans.jsonl")
    assert all("LentCard1" not in path.read_text() for path in paths)
    left_out = json.loads(paths[-1].read_text())["left_out"]
    assert {
        "subject": "card Le•••",
        "why": "also seen with an account that is not banned",
    } in left_out


def test_the_vault_is_asked_only_for_what_may_leave(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    desk.export("stripe-radar", "bans.jsonl")
    asked = {name for _, names in desk.asked for name in names}
    assert "card-lent" not in asked
    assert "ip-campus" not in asked
    desk.asked.clear()
    for format_name in ("csv", "auth0", "okta", "litellm", "webhook"):
        desk.export(
            format_name, f"{format_name}.{'csv' if format_name == 'csv' else 'jsonl'}"
        )
    assert desk.asked == []


@pytest.mark.parametrize(
    ("name", "fits"),
    [("u" * 64, True), ("u" * 65, False), ("ü", False), ("a\tb", False), ("a b", True)],
)
def test_safety_identifiers_are_1_to_64_printable_ascii(
    tmp_path: Path, name: str, fits: bool
) -> None:
    frame = decided(("end_user", name, "ban"))
    paths = Desk.at(tmp_path).export("safety-identifiers", "bans.jsonl", frame)
    assert [row["safety_identifier"] for row in lines(paths[0])] == [name] * fits
    assert len(json.loads(paths[-1].read_text())["left_out"]) == (not fits)


def test_a_throttled_tenants_culprit_is_listed(tmp_path: Path) -> None:
    frame = decided(("tenant", "t-1", "throttle"), ("tenant", "t-other", "throttle"))
    paths = Desk.at(tmp_path).export("safety-identifiers", "bans.jsonl", frame)
    assert [row["safety_identifier"] for row in lines(paths[0])] == ["user-77"]
    (left_out,) = json.loads(paths[-1].read_text())["left_out"]
    assert left_out["subject"] == "tenant t-other"


def test_a_ban_list_neutralises_ids_and_machines_get_them_exact(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    frame = decided(("account", '=HYPERLINK("x")', "ban"), ("account", "-1", "ban"))
    text = desk.export("csv", "bans.csv", frame)[0].read_text()
    assert "account,-1,ban" in text
    assert 'account,"\'=HYPERLINK(""x"")",ban' in text
    exact = lines(desk.export("jsonl", "bans.jsonl", frame)[0])
    assert [row["subject_id"] for row in exact] == ["-1", '=HYPERLINK("x")']
