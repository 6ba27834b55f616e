"""No SQL and no Cypher is built from data: the syntax tree of every module says so.

The first argument of a query call may be a constant, a name in capitals (a constant of
a module), or a join of these; anything computed must come as a parameter.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("ingest", "graph", "views")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
QUERY_WORDS = ("SELECT ", "MATCH (", "MERGE (", "INSERT INTO ", "DELETE FROM ")


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id.lstrip("_").isupper()
    if isinstance(node, ast.Attribute):
        return node.attr.lstrip("_").isupper()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_constant(node.left) and _is_constant(node.right)
    return False


def _offences(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                part.value
                for part in node.values
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            inside = [p for p in node.values if isinstance(p, ast.FormattedValue)]
            if any(word in text for word in QUERY_WORDS) and not all(
                _is_constant(part.value) for part in inside
            ):
                found.append(f"line {node.lineno}: {text[:50]!r}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_formatted_string_builds_a_query(path: Path) -> None:
    assert _offences(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_the_rule_catches_an_offence() -> None:
    tree = ast.parse("name = input()\nquery = f'SELECT * FROM t WHERE a = {name}'")
    assert len(_offences(tree)) == 1
