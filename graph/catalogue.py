"""The saved questions: one Cypher file each in `queries/`, with a header that says all.

A file starts with comment lines: `// summary: …`, one `// parameter: name type — what`
or `// parameter: name type = default — what` each, and `// columns: a, b, c`. Every
value reaches the database as a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources

from graph.store import Row, Store
from ingest.errors import UsageError

_HEADER = re.compile(r"// (summary|parameter|columns): (.+)\Z")
_PARAMETER = re.compile(r"(\w+) (\w+)(?: = (.+?))? — (.+)\Z")


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


def _moment(text: str) -> datetime:
    """A zoned time in UTC; a naive one would compare as null in Neo4j."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


_READ: Mapping[str, Callable[[str], object]] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": _boolean,
    "datetime": _moment,
}


@dataclass(frozen=True)
class Parameter:
    """One value a query asks for; without a `default` it must be given."""

    name: str
    type: str
    meaning: str
    default: str | None = None

    def value(self, given: object) -> object:
        """What goes to the database for `given`, text from a command line included.

        Raises `UsageError` for text that is not of the declared type.
        """
        if isinstance(given, datetime) and given.tzinfo is None:
            raise UsageError(f"parameter {self.name} needs a time with its offset")
        if not isinstance(given, str):
            return given
        try:
            return _READ[self.type](given)
        except ValueError as error:
            raise UsageError(
                f"parameter {self.name} takes a value of type {self.type}, "
                f"not {given[:60]!r}"
            ) from error


@dataclass(frozen=True)
class Query:
    """One file of `queries/`: what it answers, what it asks for, what it returns."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    text: str

    def run(self, store: Store, **given: object) -> list[Row]:
        """The rows, each a mapping of `columns` in order.

        Raises `UsageError` for an unknown, missing or ill-typed parameter and
        `StoreError` when the database fails.
        """
        rows = store.run(self.text, self._values(given))
        return [{column: row[column] for column in self.columns} for row in rows]

    def _values(self, given: Mapping[str, object]) -> dict[str, object]:
        names = [parameter.name for parameter in self.parameters]
        unknown = sorted(set(given) - set(names))
        if unknown:
            known = ", ".join(names) or "none"
            raise UsageError(
                f"query {self.name} has no parameter {unknown[0]!r}: it takes {known}"
            )
        return {
            parameter.name: parameter.value(self._given(parameter, given))
            for parameter in self.parameters
        }

    def _given(self, parameter: Parameter, given: Mapping[str, object]) -> object:
        value = given.get(parameter.name, parameter.default)
        if value is None:
            raise UsageError(
                f"query {self.name} needs {parameter.name} ({parameter.meaning}): "
                f"add --param {parameter.name}=…"
            )
        return value


def catalogue() -> dict[str, Query]:
    """Every query by name, in the order of names.

    Raises `ValueError` naming the file whose header is not as described.
    """
    files = [
        entry
        for entry in resources.files("queries").iterdir()
        if entry.name.endswith(".cypher")
    ]
    read = [
        parse(entry.name.removesuffix(".cypher"), entry.read_text(encoding="utf-8"))
        for entry in files
    ]
    return {query.name: query for query in sorted(read, key=lambda query: query.name)}


def parse(name: str, text: str) -> Query:
    """One query from its file's text.

    Raises `ValueError` for a header that lacks a line or has one it should not.
    """
    lines = text.splitlines()
    head = [line for line in lines if line.startswith("//")]
    found: dict[str, list[str]] = {"summary": [], "parameter": [], "columns": []}
    for line in head:
        match = _HEADER.match(line)
        if not match:
            raise ValueError(f"queries/{name}.cypher has the odd header line {line!r}")
        found[match[1]].append(match[2])
    if len(found["summary"]) != 1 or len(found["columns"]) != 1:
        raise ValueError(
            f"queries/{name}.cypher needs one summary and one columns line"
        )
    return Query(
        name=name,
        summary=found["summary"][0],
        parameters=tuple(_parameter(name, line) for line in found["parameter"]),
        columns=tuple(found["columns"][0].split(", ")),
        text="\n".join(lines[len(head) :]) + "\n",
    )


def _parameter(name: str, line: str) -> Parameter:
    match = _PARAMETER.match(line)
    if not match or match[2] not in _READ:
        raise ValueError(f"queries/{name}.cypher has the odd parameter {line!r}")
    return Parameter(match[1], match[2], match[4], match[3])
