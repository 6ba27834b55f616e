"""How a label, a relationship type and a property are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Names enter query text, so only these letters may ever be one.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")

# Property type: what a Cypher reader meets, and its type in the staged Parquet files.
# Times travel as whole milliseconds and become zoned datetimes in the database.
STAGED_AS: Mapping[str, str] = MappingProxyType(
    {
        "string": "VARCHAR",
        "strings": "VARCHAR[]",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "boolean": "BOOLEAN",
        "datetime": "BIGINT",
    }
)


@dataclass(frozen=True)
class Property:
    """One property: its type of `STAGED_AS`, its meaning, the column it comes from."""

    name: str
    type: str
    meaning: str
    column: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a name or type that may not enter query text."""
        if not _NAME.match(self.name) or self.type not in STAGED_AS:
            raise ValueError(f"property {self.name!r} has a bad name or type")


@dataclass(frozen=True)
class Node:
    """A label: its properties (`id` is the unique key), its rows, its looks.

    `rows` is SQL over the derived tables with a column `id`, the columns of the
    properties and a boolean `hot`: published with the suspicious clusters.
    """

    label: str
    meaning: str
    rows: str
    properties: tuple[Property, ...]
    colour: str
    shape: str
    icon: str

    def __post_init__(self) -> None:
        """Raise `ValueError` for a label that may not enter query text."""
        if not _NAME.match(self.label):
            raise ValueError(f"label {self.label!r} is no plain name")


@dataclass(frozen=True)
class Relationship:
    """A relationship type between two labels, with its properties and rows.

    `rows` is SQL with columns `start_id`, `end_id` and those of the properties, one
    row for each pair.
    """

    type: str
    start: str
    end: str
    meaning: str
    rows: str
    properties: tuple[Property, ...]

    def __post_init__(self) -> None:
        """Raise `ValueError` for a type that may not enter query text."""
        if not _NAME.match(self.type):
            raise ValueError(f"relationship type {self.type!r} is no plain name")


# Kinds of identifier with a label of their own; the rest are `Identifier`.
LABEL_OF_KIND: Mapping[str, str] = MappingProxyType(
    {
        "ip": "IP",
        "device": "Device",
        "card": "PaymentInstrument",
        "email": "Email",
        "phone": "Phone",
    }
)
# Kinds that are no `Identifier`: keys and tenants are nodes of their own; model and
# endpoint say what was asked for, not who asked.
NOT_IDENTIFIERS = ("key", "tenant", "model", "endpoint")

ID = Property("id", "string", "unique key")
SEEN = (
    Property("first_seen", "datetime", "first time seen"),
    Property("last_seen", "datetime", "last time seen"),
)
COUNT = Property("count", "integer", "how many events say so")
SPENT = (
    Property("tokens", "integer", "tokens used over it"),
    Property("cost_usd", "float", "US dollars used over it"),
)
USE = (*SEEN, COUNT, *SPENT)
