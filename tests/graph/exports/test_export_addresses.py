"""Addresses: never a shared one, never above a target's limits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from graph.exports import aws_waf, cloudflare
from graph.exports.addresses import batches
from graph.exports.package import Settings
from graph.exports.traces import EXCLUSIVE_CLASSES, Trace, network
from ingest.errors import UsageError
from tests.graph.exports.world import Desk, account, decided, identifier, observation

NEVER = ("192.0.2.", "10.1.2.3")
FIREWALLS = {
    "cloudflare": "bans.json",
    "cloudflare-csv": "bans.csv",
    "aws-waf": "bans.json",
    "stix": "bans.json",
    "stripe-radar": "bans.jsonl",
}


@pytest.mark.parametrize("format_name", FIREWALLS)
def test_no_shared_or_local_address_ever_leaves(
    tmp_path: Path, format_name: str
) -> None:
    paths = Desk.at(tmp_path).export(format_name, FIREWALLS[format_name])
    text = "".join(path.read_text() for path in paths)
    assert "203.0.113.7" in text
    assert not any(address in text for address in NEVER)


def world_with(described: str | None, *seen: str) -> dict[str, Any]:
    """One address, its class, and the accounts seen there."""
    classes = [] if described is None else [described]
    return {
        "accounts": [account(name, "", "") for name in seen],
        "observations": [observation(name, "ip", "ip-farm") for name in seen],
        "identifiers": [identifier("ip", "ip-farm", one, "") for one in classes],
    }


def addresses(desk: Desk, *banned: str, **more: Any) -> list[str]:
    frame = decided(*[("account", name, "ban") for name in banned], **more)
    out = desk.export("aws-waf", "bans.json", frame)[0]
    found: list[str] = json.loads(out.read_text())["Addresses"]
    return found


@pytest.mark.parametrize("described", sorted(EXCLUSIVE_CLASSES))
def test_an_address_of_its_own_leaves(tmp_path: Path, described: str) -> None:
    assert addresses(Desk.at(tmp_path, world_with(described, "a")), "a") == [
        "203.0.113.7/32"
    ]


@pytest.mark.parametrize(
    "described",
    ["cgnat", "vpn", "relay", "campus", "university", "mobile", "tor", "proxy",
     "private", "unknown", "", None, "DATACENTRE", "a class of tomorrow"],
)  # fmt: skip
def test_every_other_class_stays(tmp_path: Path, described: str | None) -> None:
    desk = Desk.at(tmp_path, world_with(described, "a"))
    assert addresses(desk, "a") == []
    manifest = json.loads((desk.folder / "bans.json.manifest.json").read_text())
    assert len(manifest["left_out"]) == 1
    assert desk.asked == [("ip", ())]


def test_one_honest_neighbour_keeps_an_address(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path, world_with("residential", "a", "b"))
    assert addresses(desk, "a") == []
    assert addresses(desk, "a", "b") == ["203.0.113.7/32"]


@pytest.mark.parametrize(("seen", "leaves"), [("2026-04-03", 1), ("2026-04-02", 0)])
def test_an_address_left_long_ago_stays(tmp_path: Path, seen: str, leaves: int) -> None:
    rows = world_with("residential", "a")
    rows["observations"][0]["last_seen"] = f"{seen} 00:00:00"
    assert len(addresses(Desk.at(tmp_path, rows), "a")) == leaves


def test_a_neighbour_on_hold_is_not_banned(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path, world_with("residential", "a", "b"))
    frame = decided(("account", "a", "ban"), ("account", "b", "hold"))
    out = desk.export("aws-waf", "bans.json", frame)[0]
    assert json.loads(out.read_text())["Addresses"] == []


@pytest.mark.parametrize("named", ["ip-farm", "ip:ip-farm"])
def test_a_cleared_address_stays(tmp_path: Path, named: str) -> None:
    desk = Desk.at(tmp_path, world_with("residential", "a"))
    frame = decided(("account", "a", "ban"), ("identifier", named, "clear"))
    out = desk.export("aws-waf", "bans.json", frame)[0]
    assert json.loads(out.read_text())["Addresses"] == []


def test_where_an_honest_key_works_stays(tmp_path: Path) -> None:
    rows = world_with("residential", "a")
    use = {"kind": "ip", "identifier": "ip-farm"}
    rows["keys"] = [{"key_id": "k", "account_id": "honest"}]
    rows["key_observations"] = [{"key_id": "k", "foreign_use": False} | use]
    assert addresses(Desk.at(tmp_path, rows), "a") == []


def test_a_victims_own_address_stays_and_the_thiefs_leaves(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    frame = decided(("key", "k-leaked", "revoke"))
    out = desk.export("aws-waf", "bans.json", frame)[0]
    assert json.loads(out.read_text())["Addresses"] == ["198.51.100.9/32"]


def test_a_block_ends_with_the_decision_that_ends_first(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path, world_with("datacentre", "a", "b"))
    frame = decided(("account", "a", "ban"), ("account", "b", "ban"))
    frame["expires_at"] = ["2026-09-01", "2026-07-01"]
    out = desk.export("cloudflare", "bans.json", frame)[0]
    (item,) = json.loads(out.read_text())
    assert item["comment"].startswith("Ringfence d-2 ")
    assert item["comment"].endswith(" until 2026-07-01T00:00:00Z")


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 203.0.113.7 ", "203.0.113.7/32"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("203.0.113.0/24", ""),
        ("2001:db8::/48", ""),
        ("0.0.0.0/0", ""),
        ("::/0", ""),
        ("127.0.0.1", ""),
        ("10.0.0.1", ""),
        ("100.64.0.1", ""),
        ("169.254.169.254", ""),
        ("255.255.255.255", ""),
        ("::1", ""),
        ("fe80::1", ""),
        ("fd00::1", ""),
        ("203.0.113.7; drop", ""),
        ("=1+1", ""),
        ("", ""),
    ],
)
def test_an_address_becomes_one_subscribers_block(address: str, block: str) -> None:
    assert network(address) == block


@pytest.mark.parametrize(
    ("number", "sizes"),
    [(0, [0]), (1, [1]), (10_000, [10_000]), (20_001, [10_000, 10_000, 1])],
)
def test_no_part_is_above_the_limit(number: int, sizes: Sequence[int]) -> None:
    traces = [Trace(f"t{n}", "d", "r", None) for n in range(number)]
    runs = batches(traces, 10_000)
    assert [len(run) for run in runs] == sizes
    assert [trace for run in runs for trace in run] == traces


def farm_of(number: int) -> tuple[dict[str, Any], Mapping[str, str]]:
    names = [f"ip-{n:03}" for n in range(number)]
    rows = {
        "accounts": [account("a", "", "")],
        "observations": [observation("a", "ip", name) for name in names],
        "identifiers": [identifier("ip", name, "datacentre", "") for name in names],
    }
    return rows, {name: f"198.51.100.{n}" for n, name in enumerate(names)}


@pytest.mark.parametrize("format_name", ["aws-waf", "cloudflare"])
def test_a_long_list_goes_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_name: str
) -> None:
    monkeypatch.setattr(aws_waf, "SET_LIMIT", 2)
    monkeypatch.setattr(cloudflare, "ITEM_LIMIT", 2)
    rows, readable = farm_of(5)
    monkeypatch.setattr("tests.graph.exports.world.READABLE", readable)
    desk = Desk.at(tmp_path, rows)
    paths = desk.export(format_name, "bans.json", decided(("account", "a", "ban")))
    parts = [path for path in paths if "rollback" not in path.name][:-1]
    assert len(parts) == 3
    bodies = [json.loads(path.read_text()) for path in parts]
    found = [
        item if isinstance(item, str) else item["ip"]
        for body in bodies
        for item in (body["Addresses"] if isinstance(body, dict) else body)
    ]
    assert [name.removesuffix("/32") for name in found] == sorted(readable.values())


# CreateIPSet of the WAFv2 model in botocore 1.44.5 (Apache-2.0).
_NAME = r"[\w\-]{1,128}"
_DESCRIPTION = r"[\w+=:#@/\-,\.][\w+=:#@/\-,\.\s]+[\w+=:#@/\-,\.]"
_TAG = r"[\w\s.:/=+\-@]{0,256}"


def test_ip_sets_fit_the_services_model(tmp_path: Path) -> None:
    paths = Desk.at(tmp_path).export("aws-waf", "bans.json")
    sets = [json.loads(p.read_text()) for p in paths if "manifest" not in p.name]
    assert len(sets) == 4
    for one in sets:
        assert re.fullmatch(_NAME, one["Name"])
        assert re.fullmatch(_DESCRIPTION, one["Description"])
        assert len(one["Description"]) <= 256
        assert one["Scope"] == "REGIONAL"
        for tag in one.get("Tags", []):
            assert re.fullmatch(_TAG, tag["Key"])
            assert re.fullmatch(_TAG, tag["Value"])
    families = {one["IPAddressVersion"] for one in sets if "IPAddressVersion" in one}
    assert families == {"IPV4", "IPV6"}
    emptied = [one["Addresses"] for one in sets if "IPAddressVersion" not in one]
    assert emptied == [[], []]


def test_the_scope_is_the_companys(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    edge = Settings(waf_scope="CLOUDFRONT")
    out = desk.export("aws-waf", "bans.json", settings=edge)[0]
    assert json.loads(out.read_text())["Scope"] == "CLOUDFRONT"
    with pytest.raises(UsageError, match="RINGFENCE_WAF_SCOPE"):
        desk.export("aws-waf", "bans.json", settings=Settings(waf_scope="GLOBAL"))
