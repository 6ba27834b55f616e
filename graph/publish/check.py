"""A canonical hash of what the database holds: two equal graphs, one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from graph.store import Store

_NODES = """
    MATCH (n) WHERE NOT n:Publication
    RETURN labels(n) AS labels, properties(n) AS properties
"""
_RELATIONSHIPS = """
    MATCH (a)-[r]->(b)
    RETURN labels(a) AS start_labels, a.id AS start, type(r) AS type,
           labels(b) AS end_labels, b.id AS end, properties(r) AS properties
"""
_ROOM = 1 << 256


def graph_hash(store: Store) -> str:
    """SHA-256 over every node and relationship with all its properties, in hex.

    Run tags and the publisher's note are left out. The elements' own hashes are
    added up, so neither their order nor the engine's matters; a node twice counts.
    """
    total = 0
    for text in (_NODES, _RELATIONSHIPS):
        for row in store.each(text):
            total = (total + _number(row)) % _ROOM
    return f"{total:064x}"


def _number(row: Mapping[str, object]) -> int:
    properties = row["properties"]
    if isinstance(properties, dict):
        properties.pop("run", None)
    text = json.dumps(row, sort_keys=True, default=_written)
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a property of type {type(value).__name__} has no canonical form")
