"""What a source is made of: the shape of its records and the events they become.

A source names the members it reads (`shape`), tells its kinds of record apart
(`kind`) and lists the `Event`s that each kind becomes. All of it is SQL written in
the code; the records themselves are only ever data. In that SQL `r` is the record
with the members of the shape, `record` its JSON text, and `one` the element of a
list that an event is made for each of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import duckdb

from ingest.sql import fill, literal

Record = Mapping[str, Any]
Relation = duckdb.DuckDBPyRelation
Shape = Mapping[str, Any]

OTHER = "other"
"""The kind of a record that is well formed and says nothing that events hold."""

_QUERY = """
    WITH laid AS (
        SELECT file, line, record, json_transform($body, $shape) AS r
        FROM source_records
    ), opened AS (
        SELECT * $inner FROM laid
    ), told AS (
        SELECT *, $kind AS kind FROM opened
    ), judged AS MATERIALIZED (
        SELECT *, CASE WHEN kind IS NOT NULL THEN CASE $problems END
                       WHEN json_type(record) <> 'OBJECT'
                       THEN 'line: is not a JSON object'
                       ELSE $unknown END AS problem
        FROM told
    )
    $events
    UNION ALL BY NAME
    SELECT file, line, record, problem FROM judged WHERE problem IS NOT NULL
"""

_INNER = ", json_transform(CASE WHEN json_valid($text) THEN $text END, $shape) AS $name"

_EVENT = """
    SELECT file, line, to_json({'event_id': $event_id, 'type': $type, $fields})::VARCHAR
               AS record,
           NULL::VARCHAR AS problem
    FROM $rows
"""
_ROWS = "judged WHERE problem IS NULL AND kind = $of AND ($when)"
_EACH = (
    "(SELECT *, unnest($each) AS one FROM judged WHERE problem IS NULL AND kind = $of)"
)


@dataclass(frozen=True)
class Event:
    """One contract event that a kind of record becomes, where `when` holds.

    `fields` gives each contract field as SQL; one that comes out NULL is left to the
    contract's checks. With `each`, a list, there is one event for each element. A
    `snapshot` is a row that its system overwrites: what it says becomes part of the
    event's id, so that a later state is a new event and no contradiction.
    """

    of: str
    type: str
    event_id: str
    occurred_at: str
    fields: Mapping[str, str]
    when: str = "true"
    each: str = ""
    snapshot: bool = False

    def query(self) -> str:
        """Select the events of this kind from the judged records."""
        rows = fill(_ROWS, of=literal(self.of), when=self.when)
        if self.each:
            each = fill(_EACH, each=self.each, of=literal(self.of))
            rows = fill("$each WHERE ($when)", each=each, when=self.when)
        fields = _members({"occurred_at": self.occurred_at, **self.fields})
        return fill(
            _EVENT,
            event_id=self._id(fields),
            type=literal(self.type),
            fields=fields,
            rows=rows,
        )

    def _id(self, fields: str) -> str:
        if not self.snapshot:
            return self.event_id
        # 48 bits tell the states of one row apart.
        return (
            f"{self.event_id} || ':' || left(md5(to_json({{{fields}}})::VARCHAR), 12)"
        )


def _members(fields: Mapping[str, str]) -> str:
    return ", ".join(f"'{name}': {value}" for name, value in fields.items())


@dataclass(frozen=True)
class Adapter:
    """Turns a relation of raw records into contract events, as `Source.events`.

    Every record is valid JSON. `kind` is SQL that names a record's kind, NULL for one
    of no known kind; `body` is the JSON that the shape is laid over. `inner` opens
    members that are JSON themselves, or JSON text in a string: a name for the SQL,
    the member and its shape. `problems` are conditions that send a
    record to quarantine, each with its reason.
    """

    shape: Shape
    kind: str
    events: tuple[Event, ...]
    inner: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    unknown: str = "record: is of no kind that this source knows"
    body: str = "record"
    problems: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, records: Relation) -> Relation:
        """Give events, and the records that can't be any with the problem."""
        # The stub allows None, which only a statement without rows gives.
        return cast("Relation", records.query("source_records", self.sql()))

    def sql(self) -> str:
        """The whole query over `source_records`."""
        problems = {"false": "", **self.problems}.items()
        inner = (
            fill(_INNER, name=name, text=text, shape=_structure(shape))
            for name, (text, shape) in self.inner.items()
        )
        return fill(
            _QUERY,
            body=self.body,
            shape=_structure(self.shape),
            inner=" ".join(inner),
            kind=self.kind,
            unknown=literal(self.unknown),
            problems=" ".join(f"WHEN {t} THEN {literal(why)}" for t, why in problems),
            events=" UNION ALL BY NAME ".join(one.query() for one in self.events),
        )


def _structure(shape: Shape) -> str:
    return literal(_json(shape))


def _json(shape: object) -> str:
    if isinstance(shape, Mapping):
        inner = (f'"{name}":{_json(of)}' for name, of in shape.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(shape, list):
        return f"[{_json(shape[0])}]"
    return f'"{shape}"'


def texts(names: str) -> dict[str, str]:
    """Give the shape of members that are read as text, named with spaces between."""
    return dict.fromkeys(names.split(), "VARCHAR")


def has(*names: str) -> Callable[[Record], bool]:
    """Recognise a record by members that it must have."""
    return lambda record: all(name in record for name in names)


def first(*names: str) -> str:
    """Give the first that is neither NULL nor blank."""
    return "coalesce(" + ", ".join(f"nullif({name}, '')" for name in names) + ")"


def utc(text: str) -> str:
    """Give a time as RFC 3339 that a system documented as UTC writes without offset."""
    naive = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?"
    return (
        f"CASE WHEN regexp_full_match({text}, '{naive}')"
        f" THEN replace({text}, ' ', 'T') || 'Z' ELSE {text} END"
    )


_LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z


def epoch(text: str, per_second: int = 1) -> str:
    """Give a count of seconds since 1970, or of parts of them, as RFC 3339."""
    number = f"TRY_CAST({text} AS DECIMAL(28, 6))"
    micros = f"({number} * 1000000) // {per_second}"
    return (
        f"CASE WHEN {number} BETWEEN 0 AND {_LAST_SECOND * per_second} THEN"
        f" strftime(make_timestamp(CAST({micros} AS BIGINT)), '%Y-%m-%dT%H:%M:%S.%fZ')"
        f" ELSE {text} END"
    )


def address(text: str) -> str:
    """Give an IP address, well formed or not; NULL for the name of a service."""
    return f"CASE WHEN regexp_full_match({text}, '[0-9A-Fa-f:.]+') THEN {text} END"


def email(text: str) -> str:
    """Give a text that is used for a login where it is a mail address."""
    return f"CASE WHEN contains({text}, '@') THEN {text} END"


def hashed_key(text: str) -> str:
    """Give the SHA-256 in hex of a raw API key; a hash stays as it is.

    That is how LiteLLM names a key (`hash_token`), so a key found in a leak meets the
    key that the proxy logged.
    """
    return (
        f"CASE WHEN regexp_full_match({text}, '[0-9a-f]{{64}}') THEN {text}"
        f" ELSE sha256({text}) END"
    )
