"""A small made snapshot that gives every saved query something to find."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from graph.derived import TABLES, Snapshot, write_snapshot
from graph.publish import publish
from graph.store import Store
from ingest.workspace import Workspace

AS_OF = datetime.fromisoformat("2026-05-01T12:00:00")
Row = dict[str, object]
Tables = dict[str, list[Row]]


def _times(n: int) -> Row:
    start = AS_OF - timedelta(days=20, minutes=-n)
    return {"first_seen": start, "last_seen": start + timedelta(days=3, seconds=n)}


def _seen(account: str, kind: str, value: str, n: int = 0) -> Row:
    use = {"count": n + 1, "tokens": 1000 * n, "cost_usd": 0.25 * n}
    what = {"account_id": account, "kind": kind, "identifier": value}
    return {**what, **_times(n), **use}


def _key_seen(key: str, kind: str, value: str, n: int, foreign: bool) -> Row:
    row = _seen("", kind, value, n)
    del row["account_id"]
    return {"key_id": key, "foreign_use": foreign, **row}


def _account(name: str, n: int, cluster: str = "", role: str = "") -> Row:
    suspected = role in {"core", "likely"}
    return {
        "account_id": name,
        "cluster_id": cluster,
        "typology": "disposable_signup" if suspected else "",
        "score": 0.5 + n / 100 if suspected else n / 1000,
        "action": {"core": "ban", "likely": "review"}.get(role, "none"),
        "cost_usd": 1.5 * n if suspected else 0.0,
        "reasons": '["shared_device", "burst"]' if suspected else "[]",
        "frameworks": '["OWASP LLM10:2025"]',
        "role": role,
        "plan": "free",
        "created_at": AS_OF - timedelta(days=30 - n),
        "requests": 10 * n,
        "tokens": 1000 * n,
        "usage_usd": 2.0 * n,
        "credit_usd": 5.0,
        "paid_usd": 0.0,
        "disputed_usd": 0.0,
        "at_risk_usd_per_hour": 0.125 * n,
        **_times(n),
    }


def _accounts() -> list[Row]:
    roles = ("core", "core", "core", "core", "likely", "bystander")
    rows = [_account(f"farm-{n}", n, "c-farm", role) for n, role in enumerate(roles)]
    for n, inviter in ((1, "farm-0"), (2, "farm-0"), (3, "farm-1"), (4, "farm-3")):
        rows[n]["invited_by"] = inviter
    rows[2]["invited_by"] = "nobody-known"
    rows[0]["removed_at"] = AS_OF - timedelta(days=29, hours=12)
    rows[5] |= {"paid_usd": 40.0, "plan": "pro"}
    rows += [_account(f"ring-{n}", 10 + n, "c-ring", "core") for n in range(3)]
    rows[7] |= {"typology": "stolen_payment", "disputed_usd": 12.5}
    rows.append(_account("lone-0", 20, "", "likely") | {"role": ""})
    rows += [_account(f"honest-{n}", 30 + n) for n in range(6)]
    for n in range(6):
        rows[-6 + n]["tenant_id"] = "t-lab" if n < 3 else "t-shop"
    return rows


def _observations() -> list[Row]:
    rows = [_seen(f"farm-{n}", "ip", "ip-farm", n) for n in range(6)]
    rows += [_seen(f"honest-{n}", "ip", "ip-campus", n) for n in range(6)]
    rows += [_seen("farm-0", "ip", "ip-campus", 9), _seen("lone-0", "ip", "ip-farm")]
    rows += [_seen(f"farm-{n}", "device", "d-1", n) for n in range(4)]
    rows += [_seen(f"farm-{n}", "device", "d-2", n) for n in range(2, 6)]
    rows += [_seen(f"ring-{n}", "device", "d-3", n) for n in range(3)]
    rows += [_seen("ring-0", "device", "d-2", 7)]
    rows += [_seen(f"farm-{n}", "card", "card-1", n) for n in range(3)]
    rows += [_seen(f"ring-{n}", "card", "card-2", n) for n in range(2)]
    rows += [_seen(f"farm-{n}", "prompt", "p-1", n) for n in range(3)]
    rows += [_seen("ring-2", "prompt", "p-1", 3), _seen("farm-0", "model", "large")]
    rows += [_seen("farm-0", "phone", "ph-1", 1), _seen("ring-1", "phone", "ph-1", 2)]
    for account in _accounts():
        name = str(account["account_id"])
        rows.append(_seen(name, "email", f"mail-{name}", 1))
    for n in range(6):
        rows.append(_seen(f"honest-{n}", "tenant", "t-lab" if n < 3 else "t-shop", n))
    rows += [_seen("honest-0", "key", "k-1", 5), _seen("honest-4", "key", "k-1", 2)]
    return rows


def _key_observations() -> list[Row]:
    rows = [_key_seen("k-1", "ip", f"ip-far-{n}", n, True) for n in range(3)]
    rows += [_key_seen("k-2", "ip", f"ip-far-{n}", n, True) for n in range(2)]
    rows += [_key_seen("k-1", "ip", "ip-campus", 4, False)]
    rows += [_key_seen("k-1", "client", "curl 8", 4, True)]
    return rows


def _identifier(kind: str, value: str, accounts: int) -> Row:
    domain = "trash.example" if "farm" in value else "school.example"
    return {
        "kind": kind,
        "identifier": value,
        "masked": f"{value[:2]}•••",
        "class": "disposable" if domain == "trash.example" else "residential",
        "domain": domain if kind == "email" else None,
        "asn": 64500 + len(value) if kind == "ip" else None,
        "country": "DE" if kind == "ip" else None,
        "accounts": accounts,
        "score": 2.5 if accounts > 1 else None,
        "links": kind in {"device", "card"} and accounts > 1,
        **_times(accounts),
    }


def _identifiers() -> list[Row]:
    users: dict[tuple[str, str], set[object]] = {}
    for row in _observations():
        shared = (str(row["kind"]), str(row["identifier"]))
        users.setdefault(shared, set()).add(row["account_id"])
    return [
        _identifier(kind, value, len(accounts))
        for (kind, value), accounts in users.items()
        if kind not in {"key", "tenant"}
    ]


def _cluster(name: str, accounts: int, **more: object) -> Row:
    return {
        "cluster_id": name,
        "typology": "disposable_signup",
        "score": 0.98,
        "accounts": accounts,
        "cost_usd": 10.0 * accounts,
        "evidence": "[]",
        "frameworks": '["OWASP LLM10:2025"]',
        "action": "ban",
        "paying_members": 1,
        "core_members": accounts - 1,
        "at_risk_usd_per_hour": 0.5,
        "expected_chargebacks_usd": 3.0,
        "wrong_ban_usd": 30.0,
        "summary": f"{accounts} accounts share devices.",
        **_times(accounts),
        **more,
    }


def _key(name: str, owner: str, tenant: str, **more: object) -> Row:
    return {
        "key_id": name,
        "account_id": owner,
        "tenant_id": tenant,
        "typology": "key_replay",
        "score": 0.9,
        "action": "revoke",
        "cost_usd": 75.5,
        "reasons": '["foreign_sources"]',
        "frameworks": "[]",
        "created_at": AS_OF - timedelta(days=25),
        "exposed_at": AS_OF - timedelta(days=5),
        "first_abuse_at": AS_OF - timedelta(days=5, minutes=-17),
        "latency_seconds": 1020.0,
        "requests": 70,
        "owner_usd": 12.0,
        "crew_id": "crew-1",
        **_times(3),
        **more,
    }


def _tenant(name: str, action: str) -> Row:
    return {
        "tenant_id": name,
        "score": 0.8 if action != "none" else 0.01,
        "action": action,
        "typology": "tenant_drain" if action != "none" else "",
        "culprit_type": "key" if action != "none" else "",
        "culprit": "k-1" if action != "none" else "",
        "cost_usd": 75.5,
        "reasons": "[]",
        "frameworks": "[]",
        "members": 3,
        "usage_usd": 200.0,
        "limit_usd": 500.0,
        "hours_to_exhaustion": 7.5,
        **_times(2),
    }


def made_tables() -> Tables:
    """A farm, a stolen-card ring tied to it, a campus, two tenants, a key crew."""
    return {
        "accounts": _accounts(),
        "observations": _observations(),
        "key_observations": _key_observations(),
        "identifiers": _identifiers(),
        "clusters": [
            _cluster("c-farm", 6),
            _cluster("c-ring", 3, typology="stolen_payment"),
            _cluster("c-kin", 2, action="none", typology=""),
        ],
        "keys": [
            _key("k-1", "honest-0", "t-lab", audit='["exposed_and_alive"]'),
            _key("k-2", "honest-1", "t-lab", revoked_at=AS_OF),
            _key("k-3", "honest-4", "t-shop", action="none", exposed_at=None),
        ],
        "tenants": [_tenant("t-lab", "throttle"), _tenant("t-shop", "none")],
    }


def derive(workspace: Workspace, given: Mapping[str, list[Row]]) -> Snapshot:
    """Write `given` as the current snapshot; what it leaves out is empty or null."""
    with duckdb.connect() as connection:
        for table, columns in TABLES.items():
            declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute("CREATE TABLE " + table + " (" + declared + ")")
            if given.get(table):
                frame = pd.DataFrame(given[table])
                connection.register("given", frame)
                insert = "INSERT INTO " + table + " BY NAME SELECT * FROM given"
                connection.execute(insert)
        text = json.dumps(given, default=str)
        ledger = hashlib.sha256(text.encode()).hexdigest()
        return write_snapshot(workspace, connection, ledger, AS_OF)


def later_tables() -> Tables:
    """The same world later: one account gone, one new, one that looks worse."""
    now = made_tables()
    now["accounts"] = [r for r in now["accounts"] if r["account_id"] != "farm-5"]
    now["accounts"].append({**now["accounts"][0], "account_id": "farm-9"})
    now["accounts"][3]["score"] = 0.99
    seen = [r for r in now["observations"] if r["account_id"] != "farm-5"]
    seen.append({**seen[0], "account_id": "farm-9"})
    seen[0] = {**seen[0], "last_seen": AS_OF}
    return {**now, "observations": seen}


@dataclass(frozen=True)
class World:
    """A workspace and what may be derived in it."""

    workspace: Workspace

    def first(self) -> Snapshot:
        """The made tables as the current snapshot."""
        return self.of(made_tables())

    def later(self) -> Snapshot:
        """The same world some time on."""
        return self.of(later_tables())

    def of(self, given: Tables) -> Snapshot:
        """Any tables as the current snapshot."""
        return derive(self.workspace, given)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Workspace.open(tmp_path / "workspace"))


@pytest.fixture
def tables() -> Tables:
    return made_tables()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Snapshot]:
    """The made snapshot, in a workspace of its own."""
    workspace = Workspace.open(tmp_path_factory.mktemp("made"))
    return workspace, derive(workspace, made_tables())


@pytest.fixture
def fill(made: tuple[Workspace, Snapshot]) -> Callable[[Store], Store]:
    """Publishes the made snapshot to a store that does not hold it yet."""

    def filled(store: Store) -> Store:
        publish(*made, store)
        return store

    return filled
