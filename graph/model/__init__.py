"""What the graph holds, declared once: labels, relationship types, properties.

Constraints, publishing, `docs/graph-model.md` and the colours of the page all follow
from this table. Each property names the column of the derived tables that it comes
from (`graph.derived.TABLES`); each node and relationship the rows it is made of.
Colours are Okabe and Ito's, which people with any colour vision tell apart, and the
shape says the same once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from graph.model.nodes import NODES
from graph.model.relationships import RELATIONSHIPS
from graph.model.schema import (
    LABEL_OF_KIND,
    NOT_IDENTIFIERS,
    STAGED_AS,
    Node,
    Property,
    Relationship,
)

__all__ = [
    "LABEL_OF_KIND",
    "NODE",
    "NODES",
    "NOT_IDENTIFIERS",
    "PUBLICATION",
    "RELATIONSHIPS",
    "STAGED_AS",
    "Node",
    "Property",
    "Relationship",
]

NODE: Mapping[str, Node] = MappingProxyType({node.label: node for node in NODES})

# The publisher's own note of what the database holds; no part of the model.
PUBLICATION = "Publication"
