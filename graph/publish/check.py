"""A canonical hash of what the database holds: two equal graphs, one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from graph.model import NODES, RELATIONSHIPS
from graph.publish import cypher
from graph.store import Store

# Whatever labels and types there are, the model's or not, with how many of each.
_LABELS = """
    MATCH (n) WHERE NOT n:Publication
    RETURN labels(n) AS labels, count(*) AS count
"""
_TYPES = "MATCH ()-[r]->() RETURN type(r) AS type, count(*) AS count"
_ROOM = 1 << 256


def graph_hash(store: Store) -> str:
    """SHA-256 over every node and relationship with all its properties, in hex.

    The value of the run tag and the publisher's note are left out. The elements' own
    hashes are added up, so neither their order nor the engine matters; a node twice
    counts twice, and a label or type that the model does not know is counted in.
    """
    total = 0
    for name, text in _texts():
        for row in store.each(text):
            line = json.dumps([name, row], sort_keys=True)
            digest = hashlib.sha256(line.encode()).digest()
            total = (total + int.from_bytes(digest, "big")) % _ROOM
    return f"{total:064x}"


def _texts() -> Iterator[tuple[str, str]]:
    yield "labels", _LABELS
    yield "types", _TYPES
    for node in NODES:
        yield node.label, cypher.read_nodes(node)
    for kind in RELATIONSHIPS:
        yield kind.type, cypher.read_relationships(kind)
