"""A small made snapshot: a farm with a paying member, a giant, a family, a campus.

Made of invented names alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb
import pandas as pd

from graph.derived import TABLES, write_snapshot
from ingest.workspace import Workspace

AS_OF = datetime.fromisoformat("2026-05-01T12:00")
HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"`${7*7}"

Row = dict[str, object]


def seen(account: str, kind: str, identifier: str) -> Row:
    return {
        "account_id": account,
        "kind": kind,
        "identifier": identifier,
        "first_seen": AS_OF - timedelta(days=9),
        "last_seen": AS_OF - timedelta(hours=2),
        "count": 3,
        "tokens": 100,
        "cost_usd": 1.5,
    }


def account(name: str, cluster: str, role: str, **more: object) -> Row:
    days = timedelta(days=10)
    known: Row = {
        "account_id": name,
        "cluster_id": cluster,
        "typology": "disposable_signup" if role == "core" else "",
        "score": {"core": 0.99, "likely": 0.7, "bystander": 0.1}.get(role, 0.01),
        "action": {"core": "ban", "likely": "review"}.get(role, "none"),
        "cost_usd": 5.0 if role == "core" else 0.0,
        "reasons": '["shared_device"]' if role == "core" else "[]",
        "role": role,
        "plan": "free",
        "created_at": AS_OF - days,
        "first_seen": AS_OF - days,
        "last_seen": AS_OF - timedelta(hours=2),
        "paid_usd": 0.0,
        "disputed_usd": 0.0,
        "at_risk_usd_per_hour": 0.5 if role == "core" else 0.0,
    }
    return known | more


def farm() -> tuple[list[Row], list[Row]]:
    """60 accounts, five a device, ten a card, chained; one pays, four stand by."""
    accounts, links = [], []
    for n in range(60):
        name = f"farm-{n:02}"
        role = "bystander" if n >= 56 else "likely" if n >= 50 else "core"
        paid = {"paid_usd": 120.0, "plan": "pro"} if n == 59 else {}
        accounts.append(account(name, "c-farm", role, **paid))
        links.append(seen(name, "device", f"dev-{n // 5}"))
        links.append(seen(name, "ip", "campus"))
        links.append(seen(name, "ip", f"lone-{n}"))
        if n < 56:
            links.append(seen(name, "card", f"card-{(n + 5) // 10}"))
    return accounts, links


def giant(members: int = 3000) -> tuple[list[Row], list[Row]]:
    """One farm of 3,000: ten a device, every device tied to the next."""
    accounts = [account(f"g-{n:04}", "c-giant", "core") for n in range(members)]
    links = [seen(f"g-{n:04}", "device", f"gd-{n // 10}") for n in range(members)]
    links += [seen(f"g-{n:04}", "card", f"gc-{(n + 5) // 20}") for n in range(members)]
    return accounts, links


def others() -> tuple[list[Row], list[Row]]:
    """A campus of 40, a family of three on one device, one hostile name."""
    accounts = [account(f"student-{n}", "", "") for n in range(40)]
    links = [seen(f"student-{n}", "ip", "campus") for n in range(40)]
    accounts += [
        account(f"kin-{n}", "c-kin", "likely", action="none") for n in range(3)
    ]
    links += [seen(f"kin-{n}", "device", "kin-tablet") for n in range(3)]
    accounts.append(account(HOSTILE, "", "", tenant_id=HOSTILE))
    links.append(seen(HOSTILE, "device", "dev-0"))
    links.append(seen("farm-00", "key", "k-leaked"))
    return accounts, links


def identifiers(observations: pd.DataFrame) -> pd.DataFrame:
    frame = observations.groupby(["kind", "identifier"], as_index=False).agg(
        accounts=("account_id", "nunique"),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
    )
    frame["masked"] = frame["identifier"].where(frame["kind"] != "ip", "203.0.•••")
    frame["links"] = frame["kind"].isin(["device", "card"]) & (frame["accounts"] > 1)
    frame["score"] = frame["links"] * 4.0
    frame["country"] = pd.Series("DE", index=frame.index).where(frame["kind"] == "ip")
    frame["asn"] = pd.Series(3320, index=frame.index).where(frame["kind"] == "ip")
    frame["class"] = frame["identifier"].map({"campus": "university"}).fillna("")
    return frame


def cluster(name: str, members: int, action: str, **more: object) -> Row:
    known: Row = {
        "cluster_id": name,
        "typology": "disposable_signup" if action != "none" else "",
        "score": 0.98 if action != "none" else 0.2,
        "accounts": members,
        "cost_usd": 5.0 * members,
        "first_seen": AS_OF - timedelta(days=10),
        "last_seen": AS_OF - timedelta(hours=2),
        "evidence": "[]",
        "frameworks": '["OWASP LLM10:2025"]',
        "action": action,
        "paying_members": 0,
        "core_members": members,
        "at_risk_usd_per_hour": 0.5 * members,
        "expected_chargebacks_usd": 10.0,
        "wrong_ban_usd": 30.0,
        "summary": f"{members} accounts share devices and cards.",
    }
    return known | more


def key(name: str, **more: object) -> Row:
    known: Row = {
        "key_id": name,
        "account_id": "farm-00",
        "typology": "key_replay",
        "score": 0.95,
        "action": "revoke",
        "first_abuse_at": AS_OF - timedelta(hours=10),
        "cost_usd": 400.0,
        "reasons": '["foreign_sources"]',
        "first_seen": AS_OF - timedelta(days=9),
        "last_seen": AS_OF,
    }
    return known | more


def keys() -> list[Row]:
    """A replayed key that is public, and one that nobody uses."""
    return [
        key("k-leaked", audit='["exposed_and_alive"]', exposed_at=AS_OF),
        key("k-quiet", action="none", typology="", cost_usd=0.0, audit='["unused"]'),
    ]


def reason(subject_type: str, subject: str, rank: int, code: str) -> Row:
    return {
        "subject_type": subject_type,
        "subject_id": subject,
        "rank": rank,
        "code": code,
        "family": "device",
        "weight": 4.0 / rank,
        "sentence": f"Twelve devices made sixty accounts ({code}).",
        "evidence": "{}",
    }


def tables() -> Mapping[str, pd.DataFrame]:
    made = [farm(), giant(), others()]
    accounts = pd.DataFrame([row for rows, _ in made for row in rows])
    observations = pd.DataFrame([row for _, rows in made for row in rows])
    clusters = [
        cluster("c-farm", 60, "ban", paying_members=1),
        cluster("c-giant", 3000, "ban", typology="stolen_payment"),
        cluster("c-kin", 3, "none", summary=HOSTILE),
    ]
    reasons = [reason("cluster", "c-farm", 1, "shared_device")]
    reasons += [reason("account", "farm-00", n, f"code_{n}") for n in (1, 2)]
    innocent = {
        "cluster_id": "c-farm",
        "hypothesis": "household",
        "weight": 0.5,
        "sentence": "A family shares devices.",
    }
    return {
        "accounts": accounts,
        "observations": observations,
        "identifiers": identifiers(observations),
        "clusters": pd.DataFrame(clusters),
        "keys": pd.DataFrame(keys()),
        "reasons": pd.DataFrame(reasons),
        "hypotheses": pd.DataFrame([innocent]),
    }


def derive(workspace: Workspace, given: Mapping[str, pd.DataFrame]) -> None:
    """Write `given` as the current snapshot; what it leaves out is empty or null."""
    connection = duckdb.connect()
    for table, columns in TABLES.items():
        frame = given.get(table, pd.DataFrame())
        declared = ", ".join(_column(name, kind) for name, kind in columns.items())
        connection.execute(f"CREATE TABLE {table} ({declared})")
        if not frame.empty:
            connection.register("given", frame)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
    write_snapshot(workspace, connection, "f" * 64, AS_OF)
    connection.close()


def _column(name: str, kind: str) -> str:
    return f'"{name}" {kind}'
