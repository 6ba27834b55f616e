"""The derived tables: what detection writes, and publishing, page and exports read.

One run writes one snapshot folder of Parquet files; `current.json` is swapped by
rename, so a reader sees either the whole old snapshot or the whole new one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ingest import checksums
from ingest.errors import LedgerError
from ingest.workspace import Resources, Workspace

TABLES: Mapping[str, Mapping[str, str]] = {
    # One row an account x identifier. `key` and `tenant` hold plain ids, the others
    # the keyed hash. Times are UTC.
    "observations": {
        "account_id": "VARCHAR",
        "kind": "VARCHAR",
        "identifier": "VARCHAR",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
        "count": "BIGINT",
        "tokens": "BIGINT",
        "cost_usd": "DOUBLE",
    },
    # One row a key x what it was used from; `foreign_use` marks traffic that is not
    # its owner's.
    "key_observations": {
        "key_id": "VARCHAR",
        "kind": "VARCHAR",
        "identifier": "VARCHAR",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
        "count": "BIGINT",
        "tokens": "BIGINT",
        "cost_usd": "DOUBLE",
        "foreign_use": "BOOLEAN",
    },
    # One row an identifier value: what it is, how many share it, how the linker
    # scored it (nats) and whether it links.
    "identifiers": {
        "kind": "VARCHAR",
        "identifier": "VARCHAR",
        "masked": "VARCHAR",
        "class": "VARCHAR",
        "domain": "VARCHAR",
        "asn": "INTEGER",
        "country": "VARCHAR",
        "accounts": "BIGINT",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
        "score": "DOUBLE",
        "links": "BOOLEAN",
    },
    "accounts": {
        "account_id": "VARCHAR",
        "cluster_id": "VARCHAR",
        "typology": "VARCHAR",
        "score": "DOUBLE",
        "action": "VARCHAR",
        "cost_usd": "DOUBLE",
        "reasons": "VARCHAR",
        "role": "VARCHAR",
        "tenant_id": "VARCHAR",
        "plan": "VARCHAR",
        "invited_by": "VARCHAR",
        "created_at": "TIMESTAMP",
        "closed_at": "TIMESTAMP",
        "removed_at": "TIMESTAMP",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
        "requests": "BIGINT",
        "tokens": "BIGINT",
        "usage_usd": "DOUBLE",
        "credit_usd": "DOUBLE",
        "paid_usd": "DOUBLE",
        "disputed_usd": "DOUBLE",
        "at_risk_usd_per_hour": "DOUBLE",
        "control": "DOUBLE",
        "harm": "DOUBLE",
        "benign": "DOUBLE",
        "frameworks": "VARCHAR",
    },
    "clusters": {
        "cluster_id": "VARCHAR",
        "typology": "VARCHAR",
        "score": "DOUBLE",
        "accounts": "BIGINT",
        "cost_usd": "DOUBLE",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
        "evidence": "VARCHAR",
        "frameworks": "VARCHAR",
        "action": "VARCHAR",
        "paying_members": "BIGINT",
        "core_members": "BIGINT",
        "at_risk_usd_per_hour": "DOUBLE",
        "expected_chargebacks_usd": "DOUBLE",
        "wrong_ban_usd": "DOUBLE",
        "summary": "VARCHAR",
    },
    "keys": {
        "key_id": "VARCHAR",
        "account_id": "VARCHAR",
        "typology": "VARCHAR",
        "score": "DOUBLE",
        "action": "VARCHAR",
        "exposed_at": "TIMESTAMP",
        "first_abuse_at": "TIMESTAMP",
        "latency_seconds": "DOUBLE",
        "cost_usd": "DOUBLE",
        "reasons": "VARCHAR",
        "tenant_id": "VARCHAR",
        "created_at": "TIMESTAMP",
        "revoked_at": "TIMESTAMP",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
        "requests": "BIGINT",
        "owner_usd": "DOUBLE",
        "crew_id": "VARCHAR",
        "audit": "VARCHAR",
        "frameworks": "VARCHAR",
    },
    "tenants": {
        "tenant_id": "VARCHAR",
        "score": "DOUBLE",
        "action": "VARCHAR",
        "culprit_type": "VARCHAR",
        "culprit": "VARCHAR",
        "cost_usd": "DOUBLE",
        "reasons": "VARCHAR",
        "typology": "VARCHAR",
        "members": "BIGINT",
        "usage_usd": "DOUBLE",
        "limit_usd": "DOUBLE",
        "hours_to_exhaustion": "DOUBLE",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
        "frameworks": "VARCHAR",
    },
    # Ranked reasons of each verdict: weights (nats) add up to the subject's log-odds.
    # `subject_type` is account, key, tenant or cluster; `evidence` is JSON.
    "reasons": {
        "subject_type": "VARCHAR",
        "subject_id": "VARCHAR",
        "rank": "INTEGER",
        "code": "VARCHAR",
        "family": "VARCHAR",
        "weight": "DOUBLE",
        "sentence": "VARCHAR",
        "evidence": "VARCHAR",
    },
    # The innocent explanations weighed for each cluster, in nats against abuse.
    "hypotheses": {
        "cluster_id": "VARCHAR",
        "hypothesis": "VARCHAR",
        "weight": "DOUBLE",
        "sentence": "VARCHAR",
    },
}


@dataclass(frozen=True)
class Snapshot:
    """One finished run of detection: where its tables lie and what they rest on."""

    folder: Path
    ledger: str
    as_of: datetime

    @classmethod
    def current(cls, workspace: Workspace) -> Snapshot:
        """The newest finished snapshot.

        Raises `LedgerError` when nothing has been detected yet.
        """
        pointer = workspace.derived / "current.json"
        if not pointer.exists():
            raise LedgerError(
                f"nothing has been detected in {workspace.root} yet: "
                "run `ringfence ingest FILES`, then `ringfence detect`"
            )
        note = json.loads(pointer.read_text())
        return cls(
            folder=workspace.derived / note["snapshot"],
            ledger=note["ledger"],
            as_of=datetime.fromisoformat(note["as_of"]),
        )

    @classmethod
    def standing(cls, workspace: Workspace, basis: str) -> Snapshot | None:
        """The newest finished snapshot, if it is undamaged and rests on `basis`."""
        pointer = workspace.derived / "current.json"
        note = json.loads(pointer.read_text()) if pointer.exists() else {}
        if note.get("basis") != basis:
            return None
        snapshot = cls.current(workspace)
        return None if any(checksums.damaged(snapshot.folder)) else snapshot

    def connect(self) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB connection with one view for each derived table."""
        resources = Resources.from_environment()
        connection = duckdb.connect()
        connection.execute("SET memory_limit = ?", [resources.memory])
        connection.execute("SET threads = ?", [resources.threads])
        for table in TABLES:
            relation = connection.read_parquet(str(self.folder / f"{table}.parquet"))
            relation.create_view(table)
        return connection


def write_snapshot(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    ledger: str,
    as_of: datetime,
    held_as: Mapping[str, str] | None = None,
    basis: str = "",
) -> Snapshot:
    """Write every derived table held by `connection` and make it the current one.

    `held_as` names the tables that the connection holds under another name, `basis`
    is what the run rests on (`graph.basis`), empty where nothing tells. Columns
    are cast to the declared types and rows sorted by all columns, so the same ledger
    gives the same bytes. Older snapshots but the last are removed.
    """
    name = f"{as_of:%Y%m%dT%H%M%S}-{ledger[:16]}"
    workspace.derived.mkdir(exist_ok=True, mode=0o700)
    building = workspace.derived / f".{name}.{os.getpid()}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    for table, columns in TABLES.items():
        relation = connection.table((held_as or {}).get(table, table))
        typed = ", ".join(
            f'CAST("{column}" AS {kind}) AS "{column}"'
            for column, kind in columns.items()
        )
        relation.project(typed).order("ALL").write_parquet(
            str(building / f"{table}.parquet"), compression="zstd"
        )
    checksums.seal(building)
    final = workspace.derived / name
    previous = _pointer(workspace)
    shutil.rmtree(final, ignore_errors=True)
    building.rename(final)
    note = {
        "snapshot": name,
        "ledger": ledger,
        "as_of": as_of.isoformat(),
        "basis": basis,
    }
    swap = workspace.derived / f".current.{os.getpid()}"
    swap.write_text(json.dumps(note, sort_keys=True) + "\n")
    swap.replace(workspace.derived / "current.json")
    for folder in workspace.derived.iterdir():
        if folder.is_dir() and folder.name not in {name, previous}:
            shutil.rmtree(folder)
    return Snapshot(final, ledger, as_of)


def _pointer(workspace: Workspace) -> str | None:
    pointer = workspace.derived / "current.json"
    if not pointer.exists():
        return None
    name: str = json.loads(pointer.read_text())["snapshot"]
    return name
