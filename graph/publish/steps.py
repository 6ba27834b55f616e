"""What a publishing run writes, in order: each step one statement over staged rows."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations

from graph.model import NODES, RELATIONSHIPS, Node, Property, Relationship
from graph.publish import cypher
from graph.publish.stage import Staged

_HOT, _REST = 0, 1


@dataclass(frozen=True)
class Step:
    """One statement fed with the rows of one query over staged files.

    `suspicious`: belongs to what people look at first. `removes`: its rows go.
    `alone`: its batches go one by one with no other beside them, since two that lock
    the same nodes in another order would wait for each other.
    """

    name: str
    text: str
    rows: str
    files: tuple[str, ...]
    suspicious: bool = False
    removes: bool = False
    is_node: bool = False
    alone: bool = False

    @property
    def stage(self) -> tuple[bool, bool]:
        """Steps in a row of one stage may be written in any order."""
        return self.removes, self.is_node


def write_all(staged: Staged, *, new: bool) -> Iterator[Step]:
    """Every staged row, the suspicious ones first; `new`: the graph holds none."""
    for tier in (_HOT, _REST):
        for node in NODES:
            text = cypher.create_nodes(node) if new else cypher.merge_nodes(node)
            yield _whole(staged, node.label, text, tier, is_node=True, alone=not new)
        for kind in RELATIONSHIPS:
            text = (
                cypher.create_relationships(kind)
                if new
                else cypher.merge_relationships(kind)
            )
            yield _whole(staged, kind.type, text, tier, is_node=False, alone=not new)


def write_changes(old: Staged, new: Staged) -> Iterator[Step]:
    """What differs between two staged graphs: gone, then new, then changed rows."""
    nodes = [node for node in NODES if _changed(old, new, node)]
    relationships = [kind for kind in RELATIONSHIPS if _changed(old, new, kind)]
    for kind in relationships:
        yield _gone(old, new, kind)
    for node in nodes:
        yield _gone(old, new, node)
    for node in nodes:
        yield from _differing(old, new, node)
    for kind in relationships:
        yield from _differing(old, new, kind)


def write_empty_lists(staged: Staged) -> Iterator[Step]:
    """The lists that hold nothing; the offline importer takes them for missing.

    One step for each set of lists that are empty together, so that a node is looked
    up once.
    """
    for node in NODES:
        lists = [declared for declared in node.properties if declared.type == "strings"]
        for together in _subsets(lists):
            tests = [
                "(len("
                + declared.name
                + ") = 0) IS "
                + ("TRUE" if declared in together else "NOT TRUE")
                for declared in lists
            ]
            text = cypher.empty_lists(node, together)
            rows = (
                "SELECT id FROM read_parquet($new) WHERE "
                + " AND ".join(tests)
                + " ORDER BY id"
            )
            files = (staged.rows(node.label),)
            yield Step(node.label, text, rows, files, is_node=True)


def _subsets(lists: list[Property]) -> Iterator[tuple[Property, ...]]:
    sizes = range(1, len(lists) + 1)
    return chain.from_iterable(combinations(lists, size) for size in sizes)


def _whole(
    staged: Staged, name: str, text: str, tier: int, *, is_node: bool, alone: bool
) -> Step:
    rows = (
        "SELECT * EXCLUDE (tier) FROM read_parquet($new) WHERE tier = "
        + str(tier)
        + " ORDER BY ALL"
    )
    files = (staged.rows(name),)
    hot = tier == _HOT
    return Step(name, text, rows, files, hot, is_node=is_node, alone=alone)


def _changed(old: Staged, new: Staged, what: Node | Relationship) -> bool:
    name = _name(what)
    return not filecmp.cmp(old.rows(name), new.rows(name), shallow=False)


def _keys(what: Node | Relationship) -> tuple[str, ...]:
    return ("id",) if isinstance(what, Node) else ("start_id", "end_id")


def _name(what: Node | Relationship) -> str:
    return what.label if isinstance(what, Node) else what.type


def _same_key(what: Node | Relationship) -> str:
    return " AND ".join("n." + key + " = o." + key for key in _keys(what))


def _gone(old: Staged, new: Staged, what: Node | Relationship) -> Step:
    if isinstance(what, Node):
        text = cypher.delete_nodes(what)
    else:
        text = cypher.delete_relationships(what)
    keys = ", ".join("o." + key for key in _keys(what))
    rows = (
        "SELECT " + keys + " FROM read_parquet($old) o ANTI JOIN read_parquet($new) n"
        " ON " + _same_key(what) + " ORDER BY ALL"
    )
    files = (new.rows(_name(what)), old.rows(_name(what)))
    node = isinstance(what, Node)
    return Step(_name(what), text, rows, files, removes=True, is_node=node, alone=True)


def _differing(old: Staged, new: Staged, what: Node | Relationship) -> Iterator[Step]:
    if isinstance(what, Node):
        create, change = cypher.create_nodes(what), cypher.change_nodes(what)
    else:
        create = cypher.create_relationships(what)
        change = cypher.change_relationships(what)
    files = (new.rows(_name(what)), old.rows(_name(what)))
    node = isinstance(what, Node)
    added = (
        "SELECT n.* EXCLUDE (tier) FROM read_parquet($new) n"
        " ANTI JOIN read_parquet($old) o ON " + _same_key(what) + " ORDER BY ALL"
    )
    names = [declared.name for declared in what.properties if declared.name != "id"]
    differs = " OR ".join(
        'n."' + name + '" IS DISTINCT FROM o."' + name + '"' for name in names
    )
    changed = (
        "SELECT n.* EXCLUDE (tier) FROM read_parquet($new) n"
        " JOIN read_parquet($old) o ON " + _same_key(what) + " WHERE " + differs + ""
        " ORDER BY ALL"
    )
    yield Step(_name(what), create, added, files, is_node=node, alone=True)
    yield Step(_name(what), change, changed, files, is_node=node, alone=node)
