"""What attackers do to the verdicts: frame, bridge, flood, forge the time."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from graph.cases import Cases
from graph.detect import detect
from graph.dossier import Dossier
from graph.dossier.queue import PAGE, Filters, queue
from graph.dossier.standing import standing
from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.graph.worlds import Event, Judged, judge, made_events
from tests.torture.conftest import PEPPER
from tests.torture.forms import forms

# Framing attempts, one a victim; accounts on one hub; decoys; forged times.
FRAMED_SHORT, FRAMED_LONG = 40, 1000
HUB_SHORT, HUB_LONG = 1_000, 10_000
DECOYS_SHORT, DECOYS_LONG = 5_000, 100_000
FORGED_SHORT, FORGED_LONG = 20, 200
SEED = 23

# What one forged link may add to a cluster before a person must look; accounts of a
# ring that such a link leads to.
MOST_GROWTH = 10
RING = 15
TOP = 100

_TWINS = str.maketrans("aeopc", "\u0430\u0435\u043e\u0440\u0441")
_PROXY = "185.220.101.7"


@dataclass(frozen=True)
class World:
    """A made world, its first verdicts, and what each account's events say."""

    events: list[Event]
    first: Judged
    labels: pd.DataFrame

    @property
    def thieves(self) -> list[str]:
        """Accounts that are banned: known to abuse, and to be seen."""
        accounts = self.first.accounts
        return accounts.index[accounts["action"] == "ban"].tolist()

    @property
    def innocents(self) -> list[str]:
        """Accounts of honest people against whom nothing speaks yet."""
        quiet = set(self.first.accounts.query("action == 'none'").index)
        honest = self.labels.query("not abusive").index
        return [name for name in honest if name in quiet]

    def of(self, account: str) -> list[Event]:
        """The events that an account's own user made."""
        return self._by_account[account]

    @cached_property
    def _by_account(self) -> dict[str, list[Event]]:
        made = defaultdict(list)
        for event in self.events:
            if "account_id" in event:
                made[event["account_id"]].append(event)
        return dict(made)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], World]:
    """A world of so many accounts, made and judged once."""
    known: dict[int, World] = {}

    def world(accounts: int) -> World:
        if accounts not in known:
            folder = tmp_path_factory.mktemp("adversaries")
            events = made_events(folder / "made", accounts, SEED)
            labels = pd.read_csv(folder / "made" / "labels.csv", index_col="account_id")
            first = judge(folder / "judged", events)
            known[accounts] = World(events, first, labels)
        return known[accounts]

    return world


def _clone(world: World, thief: str, name: str, **changes: object) -> list[Event]:
    """Another account of a thief: the same devices, cards and use, and `changes`."""
    made = []
    for number, event in enumerate(world.of(thief)):
        fresh = {**event, "event_id": f"{name}-{number}", "account_id": name}
        for field in ("key_id", "payment_method_id", "charge_id", "key_hash"):
            if field in fresh:
                fresh[field] = f"{name}-{fresh[field]}"
        if event["type"] in {"account.created", "session.started"}:
            fresh |= changes if event["type"] == "account.created" else _shown(changes)
        made.append(fresh)
    return made


def _shown(changes: Mapping[str, object]) -> dict[str, object]:
    shown = ("ip", "device_id", "device_scheme", "user_agent", "ja4")
    return {name: changes[name] for name in shown if name in changes}


def _said(world: World, account: str, field: str) -> object:
    """The first that an account's events say of a field."""
    return next((e[field] for e in world.of(account) if e.get(field)), None)


def _session(name: str, account: str, **more: object) -> Event:
    at = "2026-04-10T10:00:00Z"
    common = {"event_id": name, "type": "session.started", "occurred_at": at}
    return {**common, "account_id": account, "method": "password", **more}


Attack = Callable[[World, str, str, str], list[Event]]


def _same_wifi(world: World, victim: str, thief: str, name: str) -> list[Event]:
    return _clone(world, thief, name, ip=_said(world, victim, "ip"))


def _unasked_invitation(
    world: World, victim: str, thief: str, name: str
) -> list[Event]:
    return _clone(world, thief, name, invited_by=victim)


def _invitation_taken(world: World, victim: str, thief: str, name: str) -> list[Event]:
    friend = {**world.of(victim)[0], "type": "member.added", "invited_by": thief}
    friend |= {"event_id": f"{name}-invited", "tenant_id": f"{name}-team"}
    kept = ("event_id", "type", "occurred_at", "account_id", "invited_by", "tenant_id")
    return [{field: friend[field] for field in kept}, *_clone(world, thief, name)]


def _look_alike(world: World, victim: str, thief: str, name: str) -> list[Event]:
    mail = str(_said(world, victim, "email") or "someone@example.org")
    local, _, domain = mail.partition("@")
    return _clone(world, thief, name, email=f"{local.translate(_TWINS)}@{domain}")


def _plus_tag(world: World, victim: str, thief: str, name: str) -> list[Event]:
    mail = str(_said(world, victim, "email") or "someone@example.org")
    local, _, domain = mail.partition("@")
    return _clone(world, thief, name, email=f"{local}+{name}@{domain}")


def _same_client(world: World, victim: str, thief: str, name: str) -> list[Event]:
    client = {f: _said(world, victim, f) for f in ("user_agent", "ja4")}
    return _clone(world, thief, name, **{f: v for f, v in client.items() if v})


def _forged_device(world: World, victim: str, thief: str, name: str) -> list[Event]:
    device = {f: _said(world, victim, f) for f in ("device_id", "device_scheme")}
    forged = {f: v for f, v in device.items() if v}
    sessions = [_session(f"{name}-f{n}", name, **forged) for n in range(5)]
    return [*_clone(world, thief, name), *sessions]


def _false_report(world: World, victim: str, thief: str, name: str) -> list[Event]:
    key = _said(world, victim, "key_id")
    told = {"location": "https://pastebin.example/x", "verified": False}
    report = {
        "event_id": f"{name}-report", "type": "key.exposed", "key_id": key,
        "occurred_at": "2026-03-15T10:00:00Z", **told,
    }  # fmt: skip
    return [*([report] if key else []), *_clone(world, thief, name)]


def _tenant_add(world: World, victim: str, thief: str, name: str) -> list[Event]:
    added = {
        "event_id": f"{name}-added", "type": "member.added",
        "occurred_at": "2026-03-20T10:00:00Z", "tenant_id": f"{name}-farm",
        "account_id": victim, "invited_by": name,
    }  # fmt: skip
    return [added, *_clone(world, thief, name, tenant_id=f"{name}-farm")]


def _same_proxy(world: World, victim: str, thief: str, name: str) -> list[Event]:
    seen = [_session(f"{name}-v{n}", victim, ip=_PROXY) for n in range(3)]
    return [*seen, *_clone(world, thief, name, ip=_PROXY)]


ATTACKS: tuple[Attack, ...] = (
    _same_wifi, _unasked_invitation, _invitation_taken, _look_alike, _plus_tag,
    _same_client, _forged_device, _false_report, _tenant_add, _same_proxy,
)  # fmt: skip


def _world_for(victims: int) -> int:
    return max(300, victims + victims // 3)


@forms(FRAMED_SHORT, FRAMED_LONG)
def test_nobody_is_framed(
    cases: int, worlds: Callable[[int], World], tmp_path: Path
) -> None:
    world = worlds(_world_for(cases))
    victims = world.innocents[:cases]
    assert len(victims) == cases
    draw = random.Random(SEED)  # noqa: S311 - a seed, so that a failure comes again
    forged: list[Event] = []
    for number, victim in enumerate(victims):
        attack = ATTACKS[number % len(ATTACKS)]
        thief = draw.choice(world.thieves)
        forged += attack(world, victim, thief, f"clone-{number}")
    after = judge(tmp_path, [*world.events, *forged])
    found = after.accounts.loc[victims]
    ways = {v: ATTACKS[n % len(ATTACKS)].__name__ for n, v in enumerate(victims)}
    banned = found.index[~found["action"].isin(["none", "review"])]
    assert [(ways[name], name) for name in banned] == []
    keys = after.keys[after.keys["account_id"].isin(victims)]
    before = world.first.keys["action"].reindex(keys.index)
    revoked = keys[(keys["action"] == "revoke") & (before != "revoke")]
    assert [(ways[name], name) for name in revoked["account_id"]] == []


def _clusters(judged: pd.DataFrame, accounts: list[str]) -> set[str]:
    return set(judged.loc[accounts, "cluster_id"].fillna("")) - {""}


@forms(HUB_SHORT, HUB_LONG)
def test_a_hub_joins_no_farm_to_innocents(
    cases: int, worlds: Callable[[int], World], tmp_path: Path
) -> None:
    world = worlds(300)
    hub = {
        "ip": "203.0.113.77", "device_id": "popular-fingerprint", "ja4": "t13d-popular",
        "device_scheme": "fp", "user_agent": "Mozilla/5.0 (X11) Firefox/140.0",
    }  # fmt: skip
    crowd = [f"crowd-{number}" for number in range(cases)]
    joined = [
        {
            "event_id": f"created-{name}", "type": "account.created",
            "occurred_at": f"2026-04-{1 + n % 28:02d}T{n % 24:02d}:00:00Z",
            "account_id": name, **hub,
        }
        for n, name in enumerate(crowd)
    ]  # fmt: skip
    both = [*world.thieves[:20], *world.innocents[:20]]
    sessions = [_session(f"hub-{name}", name, **hub) for name in both]
    after = judge(tmp_path, [*world.events, *joined, *sessions]).accounts
    farms = _clusters(after, world.thieves)
    assert farms
    assert not farms & _clusters(after, [*crowd, *world.innocents[:20]])
    assert not after.loc[crowd, "action"].isin(["ban"]).any()


def _ring(name: str, size: int, **shared: object) -> list[Event]:
    """Accounts that share a device or a card and use their credit up."""
    made: list[Event] = []
    for number in range(size):
        account, day = f"{name}-{number}", 1 + number % 28
        rows: tuple[Event, ...] = (
            {"type": "account.created", "email": f"{account}@home-{account}.example"},
            {"type": "credit.granted", "amount_usd": 5.0, "reason": "trial"},
            _shared(name, account, shared),
            {"type": "usage.recorded", "cost_usd": 4.5, "model": "m"},
        )
        made += [
            {
                "event_id": f"{account}-{n}", "account_id": account,
                "occurred_at": f"2026-04-{day:02d}T1{n}:00:00Z", **row,
            }
            for n, row in enumerate(rows)
        ]  # fmt: skip
    return made


def _shared(name: str, account: str, shared: Mapping[str, object]) -> Event:
    """The event by which an account shows what a ring shares."""
    if "device_id" in shared:
        return {"type": "session.started", "method": "password", **shared}
    method = {"payment_method_id": f"{name}-{account}-method"}
    return {"type": "payment_method.added", **method, **shared}


_BRIDGES: Mapping[str, Mapping[str, object]] = {
    "ring-of-a-device": {"device_id": "bridge-device", "device_scheme": "fp"},
    "ring-of-a-card": {"card_fingerprint": "bridge-card"},
}


def test_one_bridge_grows_no_cluster_unseen(
    worlds: Callable[[int], World], tmp_path: Path
) -> None:
    """One account of a banned farm shows what a ring apart from it shares."""
    world = worlds(300)
    rings = {name: _ring(name, RING, **by) for name, by in _BRIDGES.items()}
    events = [*world.events, *chain.from_iterable(rings.values())]
    before = judge(tmp_path / "before", events).accounts
    guests = dict(zip(_BRIDGES, world.thieves, strict=False))
    for name, guest in guests.items():
        assert len(_clusters(before, [e["account_id"] for e in rings[name]])) == 1
        bridge = _shared(name, guest, _BRIDGES[name])
        at = {"event_id": f"bridge-{name}", "occurred_at": "2026-04-20T10:00:00Z"}
        events.append({**bridge, **at, "account_id": guest})
    after = judge(tmp_path / "after", events).accounts
    assert (after.loc[[*guests.values()], "action"] == "ban").all()
    for cluster, members in after[after["cluster_id"] != ""].groupby("cluster_id"):
        known = before.loc[members.index]
        joined = known.index[known["cluster_id"] != known["cluster_id"].mode()[0]]
        newly = (members["action"] == "ban") & (known["action"] != "ban")
        assert len(joined) <= MOST_GROWTH or not newly.any(), cluster


@forms(FORGED_SHORT, FORGED_LONG)
def test_forged_times_move_nobody_else(
    cases: int, worlds: Callable[[int], World], tmp_path: Path
) -> None:
    world = worlds(300)
    thief = world.thieves[0]
    forged = []
    for number in range(cases):
        year = 1971 + number % 50 if number % 2 else 2030 + number % 60
        at = {"occurred_at": f"{year}-03-01T00:00:00Z"}
        event = world.of(thief)[number % len(world.of(thief))]
        forged.append({**event, **at, "event_id": f"forged-{number}"})
    after = judge(tmp_path, [*world.events, *forged]).accounts
    before = world.first.accounts
    others = before.index.drop(thief)
    moved = (after["score"].reindex(others) - before["score"][others]).abs()
    assert moved.max() <= 0.01
    assert (after["action"].reindex(others) == before["action"][others]).all()


def _decoys(count: int) -> list[Event]:
    """Rings of five on one device each, which take a few cents and look like farms."""
    made: list[Event] = []
    for number in range(count):
        ring, day = number // 5, 1 + number // 5 % 28
        at = f"2026-04-{day:02d}T{number % 24:02d}:"
        name = f"decoy-{number}"
        common = {"account_id": name}
        mail = f"decoy.{ring}.{number % 5}@mail-{ring % 40}.example"
        device = {"device_id": f"decoy-device-{ring}", "device_scheme": "fp"}
        rows: tuple[Event, ...] = (
            {"type": "account.created", "email": mail, **device},
            {"type": "credit.granted", "amount_usd": 0.05, "reason": "trial"},
            {"type": "usage.recorded", "cost_usd": 0.05, "model": "m", **device},
        )
        made += [
            {
                **row,
                **common,
                "event_id": f"{name}-{n}",
                "occurred_at": f"{at}{n:02d}:00Z",
            }
            for n, row in enumerate(rows)
        ]
    return made


@forms(DECOYS_SHORT, DECOYS_LONG)
def test_decoys_hide_no_costly_case(
    cases: int, worlds: Callable[[int], World], tmp_path: Path
) -> None:
    world = worlds(300)
    costly = world.first.accounts.query("cluster_id != '' and action == 'ban'")
    dear = costly.sort_values("cost_usd").index[-1]
    workspace = Workspace.open(tmp_path / "w")
    file = tmp_path / "events.ndjson"
    with file.open("w") as lines:
        for event in (*world.events, *_decoys(cases)):
            lines.write(json.dumps(event) + "\n")
    Ledger.open(workspace).ingest([file])
    detect(workspace)
    dossier = Dossier.open(workspace)
    accounts = dossier.ask("SELECT account_id, cluster_id FROM accounts", {})
    cluster = accounts.set_index("account_id").loc[dear, "cluster_id"]
    cases_file = Cases.open(workspace, PEPPER.encode())
    waiting = standing(dossier, cases_file, dossier.snapshot.as_of)
    cases_file.close()
    pages = [queue(dossier, waiting, Filters(), at).rows for at in range(TOP // PAGE)]
    shown = pd.concat(pages)["subject_id"].tolist()
    assert cluster in shown[:TOP]
