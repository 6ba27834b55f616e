"""A canonical hash of what the database holds: two equal graphs, one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence

import duckdb

from graph.model import NODES, RELATIONSHIPS, Node, Relationship
from graph.publish import cypher
from graph.publish.stage import BATCH, Staged
from graph.store import Row, Store
from ingest.progress import Progress, Report, silent

# Whatever labels and types there are, the model's or not, with how many of each.
_LABELS = """
    MATCH (n) WHERE NOT n:Publication
    RETURN labels(n) AS labels, count(*) AS count
"""
_TYPES = "MATCH ()-[r]->() RETURN type(r) AS type, count(*) AS count"
_ROOM = 1 << 256


def graph_hash(store: Store, progress: Progress = silent) -> str:
    """SHA-256 over every node and relationship with all its properties, in hex.

    The value of the run tag and the publisher's note are left out. The elements' own
    hashes are added up, so neither their order nor the engine matters; a node twice
    counts twice, and a label or type that the model does not know is counted in.
    """
    texts = [("labels", _LABELS), ("types", _TYPES)]
    texts += [(node.label, cypher.read_nodes(node)) for node in NODES]
    texts += [(kind.type, cypher.read_relationships(kind)) for kind in RELATIONSHIPS]
    return _sum(_read(store, texts, progress))


def _read(
    store: Store, texts: Sequence[tuple[str, str]], progress: Progress
) -> Iterator[tuple[str, Row]]:
    for done, (name, text) in enumerate(texts):
        progress(Report("reading the graph", done, len(texts), "queries", name))
        for row in store.each(text):
            yield name, row


def staged_hash(staged: Staged) -> str:
    """The `graph_hash` of a database that holds the staged rows and nothing else."""
    return _sum(_expected(staged))


def _expected(staged: Staged) -> Iterator[tuple[str, Row]]:
    with duckdb.connect() as connection:
        for node in NODES:
            count = 0
            for row in _rows(connection, staged.rows(node.label)):
                count += 1
                yield node.label, _as_read(node, row)
            if count:
                yield "labels", {"labels": [node.label], "count": count}
        for kind in RELATIONSHIPS:
            count = 0
            for row in _rows(connection, staged.rows(kind.type)):
                count += 1
                yield kind.type, _as_read(kind, row)
            if count:
                yield "types", {"type": kind.type, "count": count}


def _rows(connection: duckdb.DuckDBPyConnection, path: str) -> Iterator[Row]:
    found = connection.execute("FROM read_parquet(?)", [path])
    names = [column[0] for column in found.description or ()]
    while rows := found.fetchmany(BATCH):
        for row in rows:
            yield dict(zip(names, row, strict=True))


def _as_read(what: Node | Relationship, row: Row) -> Row:
    """A staged row as `cypher.read_nodes` and `read_relationships` would give it."""
    cells = [row[declared.name] for declared in what.properties]
    # The run tag is a property besides; an absent value is none.
    keys = 1 + sum(cell is not None for cell in cells)
    ends = {} if isinstance(what, Node) else {n: row[n] for n in ("start_id", "end_id")}
    return {**ends, "cells": cells, "keys": keys}


def _sum(elements: Iterable[tuple[str, Row]]) -> str:
    total = 0
    for name, row in elements:
        line = json.dumps([name, row], sort_keys=True)
        digest = hashlib.sha256(line.encode()).digest()
        total = (total + int.from_bytes(digest, "big")) % _ROOM
    return f"{total:064x}"
