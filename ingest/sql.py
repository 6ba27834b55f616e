"""SQL text made from constants of the code; values always travel as parameters."""

from __future__ import annotations

from collections.abc import Iterable
from string import Template
from typing import Any

import duckdb

_COUNT = "SELECT count(*) FROM $source"


def fill(template: str, **parts: str) -> str:
    """Put pieces of SQL, themselves constants of the code, into a template.

    A piece is named `$like_this`; `$$` stands for a dollar sign. Nothing that was
    read from input may come here.
    """
    return Template(template).substitute(parts)


def literal(text: str) -> str:
    """Write a constant of the code as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Write constants of the code as an SQL list in parentheses."""
    return "(" + ", ".join(literal(text) for text in texts) + ")"


def first(
    connection: duckdb.DuckDBPyConnection, query: str, values: list[str] | None = None
) -> tuple[Any, ...]:
    """Run a query to its end and give its first row; empty where there is none."""
    rows = connection.execute(query, values).fetchall()
    return rows[0] if rows else ()


def count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    """Count the rows of what stands after FROM."""
    return int(first(connection, fill(_COUNT, source=source))[0])
