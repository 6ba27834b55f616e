"""Mapping files: any CSV, JSON, Parquet or SQL table becomes events, without code.

A mapping is a YAML file. It names the events that each record becomes, and for each
contract field where its value comes from:

    name: signups
    events:
      - type: account.created
        when: {state: [active, trial]}
        event_id: "signup-{id}"
        occurred_at: {from: "{created}", as: epoch}
        account_id: "{user.id}"
        email: "{email}"
        plan: free

A value is text in which `{name}` stands for a column or a member, `{a.b}` for a member
of a member; it is missing where one of them is. `as` turns it into something else:
`utc` (a time without offset that is UTC), `epoch` and `epoch_ms` (seconds and
milliseconds since 1970), `cents` (a hundredth), `sha256` (the hash of a raw API key),
`lower`. `values` replaces some values by others. `when` keeps the records whose member
has one of the values. Without `event_id` the hash of the record is taken, so two
events of one type need one each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

from ingest.contract import BY_NAME
from ingest.errors import UsageError
from ingest.sources.adapter import Relation
from ingest.sources.source import Source

Expression = duckdb.Expression

_PLACE = re.compile(r"\{([^{}]+)\}")
_OWN = ("type", "when")
_SETTINGS = {"from", "as", "values"}


def _call(name: str, *parts: Expression | str | float) -> Expression:
    """Call a function of DuckDB; a plain value travels as a constant, never as SQL."""
    made = (
        one if isinstance(one, Expression) else duckdb.ConstantExpression(one)
        for one in parts
    )
    return duckdb.FunctionExpression(name, *made)


def _utc(text: Expression) -> Expression:
    naive = r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)$"
    return _call("regexp_replace", text, naive, r"\1T\2Z")


def _epoch(per_second: int) -> Callable[[Expression], Expression]:
    def made(text: Expression) -> Expression:
        number = _call("trim", text).cast("DECIMAL(28, 6)")
        micros = (number * duckdb.ConstantExpression(1_000_000 // per_second)).cast(
            "BIGINT"
        )
        written = _call(
            "strftime", _call("make_timestamp", micros), "%Y-%m-%dT%H:%M:%S.%fZ"
        )
        # What is no number stays as it is, and the contract's checks refuse it.
        digits = len(str(per_second)) + 10
        form = rf" *\d{{1,{digits}}}(\.\d{{1,9}})? *"
        is_number = _call("regexp_full_match", text, form)
        return duckdb.CaseExpression(is_number, written).otherwise(text)

    return made


def _cents(text: Expression) -> Expression:
    is_number = _call("regexp_full_match", text, r"-?\d{1,15}")
    hundredth = text.cast("DECIMAL(18, 0)") * duckdb.ConstantExpression(0.01).cast(
        "DECIMAL(3, 2)"
    )
    return duckdb.CaseExpression(is_number, hundredth.cast("VARCHAR")).otherwise(text)


TURNS: Mapping[str, Callable[[Expression], Expression]] = {
    "utc": _utc,
    "epoch": _epoch(1),
    "epoch_ms": _epoch(1000),
    "cents": _cents,
    "sha256": lambda text: _call("sha256", text),
    "lower": lambda text: _call("lower", text),
}
"""What `as` may say."""


def _member(path: str) -> Expression:
    """Read a column or member; a dot parts members where no name has one itself."""
    record = duckdb.ColumnExpression("record")
    quoted = ".".join(f'"{part}"' for part in path.strip().split("."))
    paths = dict.fromkeys((f'$."{path.strip()}"', f"$.{quoted}"))
    found = (_call("json_extract_string", record, one) for one in paths)
    return duckdb.CoalesceOperator(*(_call("nullif", one, "") for one in found))


@dataclass(frozen=True)
class Value:
    """Where one field comes from."""

    text: str
    turn: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def expression(self) -> Expression:
        """Give the value of each record; missing where a member of the text is."""
        parts = _PLACE.split(self.text)
        made = [
            _member(part) if at % 2 else duckdb.ConstantExpression(part)
            for at, part in enumerate(parts)
            if at % 2 or part
        ]
        value = made[0]
        for part in made[1:]:
            value = _call("||", value, part)
        for old, new in self.values.items():
            is_old = value == duckdb.ConstantExpression(old)
            value = duckdb.CaseExpression(
                is_old, duckdb.ConstantExpression(new)
            ).otherwise(value)
        return TURNS[self.turn](value) if self.turn else value


@dataclass(frozen=True)
class Rule:
    """One event that a record becomes."""

    type: str
    fields: Mapping[str, Value]
    when: Mapping[str, tuple[str, ...]]

    def events(self, records: Relation, name: str) -> Relation:
        """Give this rule's events of a relation of raw records."""
        for path, allowed in self.when.items():
            constants = (duckdb.ConstantExpression(one) for one in allowed)
            records = records.filter(_member(path).isin(*constants))
        record = duckdb.ColumnExpression("record")
        own = _call("||", f"{name}:{self.type}:", _call("md5", record))
        values = {key: value.expression() for key, value in self.fields.items()}
        values = {"event_id": own, "type": _constant(self.type)} | values
        members = [one for pair in values.items() for one in pair]
        made = _call("json_object", *members).cast("VARCHAR").alias("record")
        return records.select("file", "line", made)


def _constant(text: str) -> Expression:
    return duckdb.ConstantExpression(text)


@dataclass(frozen=True)
class Mapped:
    """All rules of a mapping file, as `Source.events`."""

    name: str
    rules: tuple[Rule, ...]

    def __call__(self, records: Relation) -> Relation:
        """Give the events of all rules."""
        made = [rule.events(records, self.name) for rule in self.rules]
        whole = made[0]
        for more in made[1:]:
            whole = whole.union(more)
        return whole


def load(path: Path) -> Source:
    """Read a mapping file; raises `UsageError` that names what is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"mapping {path} can't be read: name a YAML file") from error
    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"mapping {path} is not YAML: mend its indentation") from error
    if not isinstance(told, dict) or not isinstance(told.get("events"), list):
        raise UsageError(f"mapping {path} lacks `events`: list at least one event")
    rules = tuple(_rule(one, f"mapping {path}") for one in told["events"])
    unnamed = [rule.type for rule in rules if "event_id" not in rule.fields]
    if not rules or len(set(unnamed)) < len(unnamed):
        raise UsageError(
            f"mapping {path} must have an event, and only one of a type without"
            " event_id: give each its own"
        )
    name = str(told.get("name", path.stem))
    summary = f"records as {path.name} maps them"
    envelopes = tuple(str(one) for one in told.get("envelopes", ()))
    return Source(name, summary, lambda _: False, Mapped(name, rules), envelopes)


def _rule(told: Any, place: str) -> Rule:
    kind = str(told.get("type") if isinstance(told, dict) else None)
    if kind not in BY_NAME:
        known = ", ".join(BY_NAME)
        raise UsageError(f"{place}: event type {kind!r} is unknown: use one of {known}")
    place = f"{place}: {kind}"
    if any('"' in str(one) for one in _PLACE.findall(str(told))):
        raise UsageError(f"{place} names a member with a double quote: rename it")
    fields = {name: value for name, value in told.items() if name not in _OWN}
    for name in fields:
        if name not in BY_NAME[kind].fields:
            raise UsageError(f"{place} has no field {name!r}: see the event contract")
    for name in ("occurred_at", *BY_NAME[kind].required):
        if name not in fields:
            raise UsageError(f"{place} needs the field {name!r}: say where it is")
    values = {name: _value(one, f"{place}.{name}") for name, one in fields.items()}
    when = {str(path): _texts(one) for path, one in told.get("when", {}).items()}
    return Rule(kind, values, when)


def _value(told: Any, place: str) -> Value:
    if not isinstance(told, dict):
        return Value(_text(told))
    if "from" not in told or set(told) - _SETTINGS:
        raise UsageError(f"{place} must have `from`, and may have `as` and `values`")
    turn = str(told.get("as", ""))
    if turn and turn not in TURNS:
        raise UsageError(f"{place}: as {turn!r} is unknown: use one of {list(TURNS)}")
    values = {_text(old): _text(new) for old, new in told.get("values", {}).items()}
    return Value(_text(told["from"]), turn, values)


def _text(told: Any) -> str:
    return str(told).lower() if isinstance(told, bool) else str(told)


def _texts(told: Any) -> tuple[str, ...]:
    return tuple(map(_text, told if isinstance(told, list) else [told]))
