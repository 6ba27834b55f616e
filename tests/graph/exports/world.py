"""A small world of one farm, one stolen card, one leaked key and one drained tenant."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from graph.derived import TABLES, Snapshot, write_snapshot
from graph.exports import export_bans
from graph.exports.asking import Request
from graph.exports.package import Settings
from ingest.workspace import Workspace

NOON = datetime.fromisoformat("2026-05-02T12:00:00")
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

READABLE = {
    "ip-farm": "203.0.113.7",
    "ip-v6": "2001:db8:7:1:aa::9",
    "ip-thief": "198.51.100.9",
    "ip-campus": "192.0.2.1",
    "ip-cgnat": "192.0.2.2",
    "ip-vpn": "192.0.2.3",
    "ip-relay": "192.0.2.4",
    "ip-unknown": "192.0.2.5",
    "ip-office": "192.0.2.6",
    "ip-local": "10.1.2.3",
    "mail-1": "farm1@example.com",
    "mail-2": "farm2@example.com",
    "card-farm": "Fp7Vq2mXk",
    "card-lent": "LentCard1",
}


def observation(account: str, kind: str, identifier: str) -> dict[str, Any]:
    return {
        "account_id": account,
        "kind": kind,
        "identifier": identifier,
        "first_seen": "2026-04-30 08:00:00",
        "last_seen": "2026-05-01 09:30:00",
        "count": 3,
        "tokens": 1200,
        "cost_usd": 0.25,
    }


def identifier(kind: str, name: str, described: str, masked: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "identifier": name,
        "masked": masked,
        "class": described,
        "accounts": 2,
        "score": 4.5,
        "links": kind in {"device", "card"},
    }


def account(name: str, cluster: str, role: str, **more: Any) -> dict[str, Any]:
    abusive = role in {"core", "likely"}
    return {
        "account_id": name,
        "cluster_id": cluster,
        "typology": "disposable_signup" if abusive else "",
        "score": 0.9876543219 if abusive else 0.01,
        "action": "ban" if abusive else "none",
        "cost_usd": 12.5 if abusive else 0.0,
        "reasons": '["trial_drained", "shared_device"]' if abusive else "[]",
        "role": role,
        "created_at": "2026-04-30 08:00:00",
        "first_seen": "2026-04-30 08:00:00",
        "last_seen": "2026-05-01 09:30:00",
        **more,
    }


def world() -> dict[str, list[Mapping[str, Any]]]:
    classes = {
        "ip-farm": "datacentre", "ip-v6": "residential", "ip-thief": "residential",
        "ip-campus": "campus", "ip-cgnat": "cgnat", "ip-vpn": "vpn",
        "ip-relay": "relay", "ip-office": "residential", "ip-local": "residential",
    }  # fmt: skip
    farm_ips = [
        "ip-farm", "ip-v6", "ip-campus", "ip-cgnat", "ip-vpn", "ip-relay",
        "ip-unknown", "ip-office", "ip-local",
    ]  # fmt: skip
    return {
        "accounts": [
            account("acct-1", "c1", "core"),
            account("acct-2", "c1", "likely"),
            account("acct-3", "c1", "bystander"),
            account("cus_9", "", ""),
            account("victim", "", ""),
            account("honest", "", ""),
        ],
        "clusters": [
            {
                "cluster_id": "c1",
                "typology": "disposable_signup",
                "score": 0.98,
                "accounts": 3,
                "cost_usd": 25.0,
                "first_seen": "2026-04-30 08:00:00",
                "last_seen": "2026-05-01 09:30:00",
                "evidence": '[["device", "iPhone…", 2]]',
                "frameworks": '["OWASP LLM10:2025"]',
                "action": "ban",
                "summary": "Two accounts drained trials from one device.",
            }
        ],
        "keys": [
            {
                "key_id": "k-leaked",
                "account_id": "victim",
                "typology": "cloud_key_exposure",
                "score": 0.97,
                "action": "revoke",
                "exposed_at": "2026-05-01 10:00:00",
                "first_abuse_at": "2026-05-01 10:05:00",
                "latency_seconds": 300.0,
                "cost_usd": 480.123456789,
                "owner_usd": 20.0,
                "reasons": '["used_after_exposure"]',
            },
            {"key_id": "k-quiet", "account_id": "honest", "typology": ""},
        ],
        "tenants": [
            {
                "tenant_id": "t-1",
                "score": 0.93,
                "action": "throttle",
                "culprit_type": "end_user",
                "culprit": "user-77",
                "cost_usd": 90.0,
                "reasons": '["flat_top"]',
                "typology": "tenant_drain",
            }
        ],
        "observations": [
            *(observation("acct-1", "ip", name) for name in farm_ips),
            observation("honest", "ip", "ip-office"),
            observation("victim", "ip", "ip-thief"),
            observation("acct-1", "email", "mail-1"),
            observation("acct-2", "email", "mail-2"),
            observation("acct-1", "card", "card-farm"),
            observation("acct-2", "card", "card-farm"),
            observation("acct-2", "card", "card-lent"),
            observation("honest", "card", "card-lent"),
            observation("acct-1", "device", "dev-1"),
            observation("acct-2", "device", "dev-1"),
        ],
        "key_observations": [
            {**_use("k-leaked", "ip-thief"), "foreign_use": True},
            {**_use("k-quiet", "ip-office"), "foreign_use": False},
        ],
        "identifiers": [
            *(identifier("ip", n, described, "203.0.•••") for n, described in
              classes.items()),
            identifier("email", "mail-1", "free", "f•••@e•••"),
            identifier("email", "mail-2", "free", "f•••@e•••"),
            identifier("card", "card-farm", "credit", "Fp•••"),
            identifier("card", "card-lent", "credit", "Le•••"),
            identifier("device", "dev-1", "", "dev•••"),
        ],
        "reasons": [
            {
                "subject_type": "account",
                "subject_id": "acct-1",
                "rank": 1,
                "code": "trial_drained",
                "family": "harm",
                "weight": 1.5,
                "sentence": "It consumed $12.50 that nobody paid for.",
                "evidence": "{}",
            },
            {
                "subject_type": "key",
                "subject_id": "k-leaked",
                "rank": 1,
                "code": "used_after_exposure",
                "family": "key",
                "weight": 5.0,
                "sentence": "Strangers used it 5 minutes after it was seen in public.",
                "evidence": "{}",
            },
        ],
        "hypotheses": [
            {
                "cluster_id": "c1",
                "hypothesis": "household",
                "weight": 0.5,
                "sentence": "Two people could share the device.",
            }
        ],
    }  # fmt: skip


def _use(key: str, name: str) -> dict[str, Any]:
    use = observation("", "ip", name)
    del use["account_id"]
    return {"key_id": key, **use}


def snapshot_of(workspace: Workspace, world: Rows) -> Snapshot:
    """Write `world` as the current snapshot; columns left out are null."""
    with duckdb.connect() as connection:
        for table, columns in TABLES.items():
            shape = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f'CREATE TABLE "{table}" ({shape})')
            for row in world.get(table, []):
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" for _ in row)
                connection.execute(
                    f'INSERT INTO "{table}" ({names}) VALUES ({marks})',
                    list(row.values()),
                )
        return write_snapshot(workspace, connection, "f" * 32, NOON)


def decided(*rows: tuple[str, str, str], **more: Any) -> pd.DataFrame:
    """Approved decisions as the case file gives them: (type, id, verdict) each."""
    return pd.DataFrame(
        [
            {
                "subject_type": kind,
                "subject_id": name,
                "decision_id": f"d-{number}",
                "verdict": verdict,
                "reason": "disposable_signup",
                "approver": "ben",
                "decided_at": datetime.fromisoformat("2026-05-02T09:00:00"),
                "expires_at": datetime.fromisoformat("2026-08-01T00:00:00"),
                "snapshot": "s-1",
                "second_approval": False,
                **more,
            }
            for number, (kind, name, verdict) in enumerate(rows, start=1)
        ]
    )


EVERYTHING = (
    ("account", "acct-1", "ban"),
    ("account", "acct-2", "ban"),
    ("account", "acct-3", "clear"),
    ("account", "cus_9", "ban"),
    ("account", "acct-held", "hold"),
    ("key", "k-leaked", "revoke"),
    ("tenant", "t-1", "throttle"),
    ("end_user", "user-5", "ban"),
)


@cache
def _made() -> Path:
    """A workspace with `world()`, made once: detection's tables take a while."""
    place = Path(tempfile.mkdtemp(prefix="ringfence-world-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    snapshot_of(Workspace.open(place), world())
    return place


@dataclass
class Desk:
    """A workspace with the world in it, and a short way to export."""

    workspace: Workspace
    folder: Path
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    audited: list[Mapping[str, object]] = field(default_factory=list)

    @classmethod
    def at(cls, place: Path, rows: Rows | None = None) -> Desk:
        """A desk under `place` on `rows`, or on `world()`."""
        if rows is None:
            shutil.copytree(_made(), place / "workspace", dirs_exist_ok=True)
        workspace = Workspace.open(place / "workspace")
        if rows is not None:
            snapshot_of(workspace, rows)
        folder = place / "out"
        folder.mkdir(exist_ok=True)
        return cls(workspace, folder)

    def reveal(self, kind: str, identifiers: Sequence[str]) -> dict[str, str]:
        self.asked.append((kind, tuple(identifiers)))
        return {name: READABLE[name] for name in identifiers if name in READABLE}

    def export(
        self,
        format_name: str,
        name: str,
        decisions: pd.DataFrame | None = None,
        **more: Any,
    ) -> list[Path]:
        more.setdefault("settings", Settings(webhook_secret=SECRET))
        chosen = decided(*EVERYTHING) if decisions is None else decisions
        request = Request(chosen, self.reveal, self.audited.append, **more)
        out = self.folder / name
        return export_bans(self.workspace, format_name, out, NOON, request)
