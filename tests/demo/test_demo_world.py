"""The made world: contract, labels, populations, the same bytes again."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from demo.shape import LEVELS, Shape
from demo.world import World, make

Event = dict[str, Any]

REQUIRED = {
    "account.created": ["account_id"],
    "account.closed": ["account_id"],
    "session.started": ["account_id"],
    "credit.granted": ["account_id", "amount_usd"],
    "limit.raised": ["account_id"],
    "key.created": ["account_id", "key_id"],
    "key.revoked": ["key_id"],
    "key.exposed": [],
    "usage.recorded": [],
    "payment_method.added": ["account_id", "payment_method_id"],
    "payment.charged": ["account_id", "amount_usd"],
    "payment.disputed": [],
    "payment.refunded": ["charge_id"],
    "quota.set": ["tenant_id"],
    "member.added": ["tenant_id", "account_id"],
    "member.removed": ["tenant_id", "account_id"],
    "identifier.seen": ["account_id", "kind", "value"],
    "account.reviewed": ["account_id", "verdict"],
    "key.reviewed": ["key_id", "verdict"],
    "tenant.reviewed": ["tenant_id", "verdict"],
}
ONE_OF = {
    "key.exposed": {"key_id", "key_hash"},
    "usage.recorded": {"key_id", "account_id"},
    "payment.disputed": {"charge_id", "payment_method_id", "account_id"},
}
MONEY = {"amount_usd", "limit_usd", "cost_usd"}
COUNTS = {"input_tokens", "output_tokens", "requests", "http_status", "limit_tokens"}
FLAGS = {"mfa", "wallet", "verified"}
CHOICES = {
    "cvc_check": {"pass", "fail"},
    "avs_check": {"pass", "fail"},
    "card_funding": {"credit", "debit", "prepaid"},
    "status": {"succeeded", "declined"},
    "kind": {"chargeback", "early_fraud_warning", "wallet", "cookie", "oauth_subject"},
    "outcome": {"open", "won", "lost", "withdrawn"},
    "period": {"day", "month"},
    "verdict": {"abusive", "legitimate", "withdrawn"},
    "paid_by": {"credit", "card", "invoice"},
}
MOMENT = re.compile(r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d+)?Z")
TIMES = {"occurred_at", "expires_at", "exposed_at"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def digest(world: World) -> str:
    whole = hashlib.sha256()
    for path in (*world.events, world.labels, world.key_labels, world.tenant_labels):
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make(tmp_path_factory.mktemp("world"), accounts=3000, seed=3)


@pytest.fixture(scope="module")
def events(world: World) -> list[Event]:
    """Every event of the world, read once."""
    found: list[Event] = []
    for path in world.events:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += map(json.loads, lines)
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make(tmp_path_factory.mktemp("small"), accounts=500, seed=5)


def complaints(event: Event) -> list[str]:
    kind = event["type"]
    found = [name for name in REQUIRED[kind] if event.get(name) in (None, "")]
    if kind in ONE_OF and not ONE_OF[kind] & event.keys():
        found.append("one of")
    for name, value in event.items():
        if value is None or value == "":
            found.append(f"{name} is empty")
        elif name in MONEY:
            fine = isinstance(value, (int, float)) and 0 <= value < 1e7
            found += [] if fine else [f"{name}={value}"]
        elif name in COUNTS:
            found += (
                [] if isinstance(value, int) and value >= 0 else [f"{name}={value}"]
            )
        elif name in FLAGS:
            found += [] if isinstance(value, bool) else [f"{name}={value}"]
        elif name in TIMES:
            found += [] if MOMENT.fullmatch(value) else [f"{name}={value}"]
        elif not isinstance(value, str):
            found.append(f"{name}={value!r}")
        elif name in CHOICES and value not in CHOICES[name]:
            found.append(f"{name}={value}")
    return found


def test_every_event_obeys_the_contract(events: list[Event]) -> None:
    wrong = [(e["event_id"], c) for e in events if (c := complaints(e))]
    assert wrong == []


def test_event_ids_are_unique_and_counted(world: World, events: list[Event]) -> None:
    seen = Counter(event["type"] for event in events)
    ids = {event["event_id"] for event in events}
    assert len(ids) == seen.total()
    assert dict(seen) == {kind: n for kind, n in world.counts.items() if n}


def test_the_log_ends_where_it_ends(events: list[Event]) -> None:
    last = max(event["occurred_at"] for event in events)
    assert "2026-04-28" < last < "2026-04-30"


def test_every_type_of_event_occurs(events: list[Event]) -> None:
    assert {event["type"] for event in events} == set(REQUIRED)


def test_labels_name_each_account_key_and_tenant_once(
    world: World, events: list[Event]
) -> None:
    made: dict[str, set[str]] = {
        "account_id": set(),
        "key_id": set(),
        "tenant_id": set(),
    }
    for event in events:
        for name, known in made.items():
            known.update([event[name]] if name in event else [])
    for name, path in (
        ("account_id", world.labels),
        ("key_id", world.key_labels),
        ("tenant_id", world.tenant_labels),
    ):
        labelled = [row[name] for row in rows(path)]
        assert len(labelled) == len(set(labelled))
        assert made[name] <= set(labelled)
    assert len(rows(world.labels)) == 3000


def test_abusive_accounts_are_as_many_as_asked_and_say_how(world: World) -> None:
    accounts = rows(world.labels)
    abusive = [row for row in accounts if row["abusive"] == "true"]
    assert len(abusive) == pytest.approx(240, abs=6)
    assert all(row["case"] and row["level"] for row in abusive)
    assert not any(row["case"] for row in accounts if row["abusive"] == "false")
    assert not any(row["victim"] == "true" for row in abusive)
    rings = Counter(row["ring_id"] for row in abusive if row["ring_id"])
    assert min(rings.values()) >= 5


def test_all_populations_are_there(world: World) -> None:
    people = {row["population"] for row in rows(world.labels)}
    assert {
        "agency", "campus_nat", "canary", "ci_serverless", "cloud_migration",
        "contractor", "corporate_sso", "dev_team", "dominant_consumer", "framed",
        "friendly_fraud", "hackathon", "heavy_batch", "household", "key_rotation",
        "lab_library", "load_test", "mobile_cgnat", "popular_device", "power_user",
        "prepaid_country", "privacy_mail", "product_launch", "quiet_trialist",
        "regular", "relatives", "relay_user", "resignup", "revoked_first",
        "traveller", "tutorial_key", "validated", "viral_launch", "vpn_user",
        "whole_trialist",
    } <= people  # fmt: skip


def test_all_thefts_are_there(world: World) -> None:
    levels = {row["level"] for row in rows(world.labels)} - {""}
    kinds = {row["culprit_type"] for row in rows(world.tenant_labels)} - {""}
    keys = {row["population"] for row in rows(world.key_labels) if row["crew_id"]}
    assert len(levels - {"drain_member", "drain_sub_key", "drain_resale"}) == 13
    assert kinds == {"account", "key", "end_user"}
    assert keys == {"replay", "exposed_drained"}


def test_stolen_keys_have_foreign_traffic_beside_the_owners(
    world: World, events: list[Event]
) -> None:
    stolen = {r["key_id"]: r for r in rows(world.key_labels) if r["replayed"] == "true"}
    used: dict[str, Counter[bool]] = {key: Counter() for key in stolen}
    for event in events:
        key = event.get("key_id")
        if event["type"] == "usage.recorded" and key in stolen:
            after = event["occurred_at"] >= stolen[key]["first_abuse_at"]
            used[key][after] += 1
    assert all(count[True] >= 5 for count in used.values())
    assert sum(count[False] > 0 for count in used.values()) > 0.8 * len(used)
    assert all(row["crew_id"] for row in stolen.values())


def test_culprits_consume_within_their_tenant(
    world: World, events: list[Event]
) -> None:
    field = {"account": "account_id", "key": "key_id", "end_user": "end_user"}
    drained = [r for r in rows(world.tenant_labels) if r["drained"] == "true"]
    seen: Counter[tuple[str, str]] = Counter()
    for event in events:
        if event["type"] == "usage.recorded" and "tenant_id" in event:
            for name in field.values():
                if name in event:
                    seen[event["tenant_id"], event[name]] += 1
    for row in drained:
        assert seen[row["tenant_id"], row["culprit"]] >= 50
        assert row["culprit_type"] in field


def test_nothing_comes_before_its_cause(events: list[Event]) -> None:
    born: dict[str, str] = {}
    made: dict[str, str] = {}
    closed: dict[str, str] = {}
    later: list[tuple[str, Event]] = []
    for event in events:
        at = event["occurred_at"]
        if event["type"] == "account.created":
            born[event["account_id"]] = at
        elif event["type"] == "key.created":
            made[event["key_id"]] = at
        elif event["type"] == "account.closed":
            closed[event["account_id"]] = at
        later.append((at, event))
    for at, event in later:
        assert at >= born.get(event.get("account_id", ""), "")
        if event["type"] == "usage.recorded":
            assert at >= made.get(event.get("key_id", ""), "")
            assert at <= closed.get(event.get("account_id", ""), "9")


def test_the_same_world_has_the_same_bytes(small: World, tmp_path: Path) -> None:
    again = make(tmp_path / "b", accounts=500, seed=5)
    other = make(tmp_path / "c", accounts=500, seed=6)
    assert digest(small) == digest(again) != digest(other)


def test_a_world_without_abuse_has_none(tmp_path: Path) -> None:
    calm = make(tmp_path, accounts=500, seed=1, abusive_share=0.0)
    assert {row["abusive"] for row in rows(calm.labels)} == {"false"}
    assert {row["replayed"] for row in rows(calm.key_labels)} == {"false"}
    assert {row["drained"] for row in rows(calm.tenant_labels)} == {"false"}


def test_only_the_levels_asked_for_occur(tmp_path: Path) -> None:
    shape = Shape(levels=("stealth", "chained"))
    world = make(tmp_path, accounts=500, seed=1, shape=shape)
    abusive = {r["level"] for r in rows(world.labels) if r["abusive"] == "true"}
    assert abusive == {"stealth", "chained"}


def test_formats_hold_the_same_events(small: World, tmp_path: Path) -> None:
    mixed = Shape(formats=("parquet", "csv", "ndjson"))
    other = make(tmp_path / "b", accounts=500, seed=5, shape=mixed)
    assert {path.suffix for path in other.events} == {".parquet", ".csv", ".ndjson"}
    assert small.counts == other.counts
    found: Counter[str] = Counter()
    for path in other.events:
        name = str(path)
        relation = (
            duckdb.read_parquet(name)
            if path.suffix == ".parquet"
            else duckdb.read_csv(name, all_varchar=True)
            if path.suffix == ".csv"
            else duckdb.read_json(name, format="newline_delimited")
        )
        found.update(kind for (kind,) in relation.select("type").fetchall())
    assert found == Counter(small.counts)


def test_the_size_follows_the_wish(tmp_path: Path) -> None:
    small = make(tmp_path / "a", accounts=500, shape=Shape(mean_events=20))
    large = make(tmp_path / "b", accounts=500, shape=Shape(mean_events=60))
    assert sum(small.counts.values()) == pytest.approx(20 * 500, rel=0.3)
    assert sum(large.counts.values()) == pytest.approx(60 * 500, rel=0.2)


def test_lines_stay_short(world: World) -> None:
    usage = [path for path in world.events if path.name.startswith("usage")]
    text = b"".join(gzip.decompress(path.read_bytes()) for path in usage)
    assert len(text) / text.count(b"\n") <= 420


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"accounts": 50}, "300 or more"),
        ({"abusive_share": 0.9}, "abusive share"),
        ({"days": 3}, "14 to 400"),
        ({"shape": Shape(levels=("unheard",))}, "unheard"),
        ({"shape": Shape(mean_events=1)}, "10 to 500"),
    ],
)
def test_impossible_worlds_are_refused(
    tmp_path: Path, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make(tmp_path, **arguments)


def test_levels_are_unique() -> None:
    assert len(set(LEVELS)) == len(LEVELS)


@pytest.mark.torture
def test_a_large_world(tmp_path: Path) -> None:
    world = make(tmp_path, accounts=100_000)
    assert sum(world.counts.values()) == pytest.approx(3_000_000, rel=0.2)
