"""The export contract: accounts, clusters, keys and tenants of one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graph.derived import Snapshot
from graph.exports import cells
from ingest.errors import UsageError

# The contract's columns in their order; the first one is unique and sorts the rows.
EXPORTS: Mapping[str, Mapping[str, str]] = {
    "accounts": {
        "account_id": "id",
        "cluster_id": "id",
        "typology": "text",
        "score": "number",
        "action": "text",
        "cost_usd": "number",
        "reasons": "json",
        "role": "text",
    },
    "clusters": {
        "cluster_id": "id",
        "typology": "text",
        "score": "number",
        "accounts": "whole",
        "cost_usd": "number",
        "first_seen": "time",
        "last_seen": "time",
        "evidence": "json",
        "frameworks": "json",
        "action": "text",
    },
    "keys": {
        "key_id": "id",
        "account_id": "id",
        "typology": "text",
        "score": "number",
        "action": "text",
        "exposed_at": "time",
        "first_abuse_at": "time",
        "latency_seconds": "number",
        "cost_usd": "number",
        "reasons": "json",
    },
    "tenants": {
        "tenant_id": "id",
        "score": "number",
        "action": "text",
        "culprit_type": "text",
        "culprit": "id",
        "cost_usd": "number",
        "reasons": "json",
    },
}


def write_table(snapshot: Snapshot, name: str, out: Path) -> None:
    """Write the export called `name`; the ending of `out` says the format.

    Scores and dollars are rounded to 6 digits, times are RFC 3339 in UTC. Lists are
    JSON text in CSV and Parquet, arrays in JSON lines. The same snapshot gives the
    same bytes. Raises `UsageError` for an unknown name or ending.
    """
    if name not in EXPORTS:
        known = ", ".join(EXPORTS)
        raise UsageError(f"export {name!r} is unknown: choose from {known}")
    with snapshot.connect() as connection:
        cells.write(connection, name, EXPORTS[name], out)
