"""Contract checks as SQL: a quick one for every line, an exact one for the doubtful.

The quick check passes a line only when it is surely good, with a handful of cheap
comparisons a field. What it doubts goes through the exact check, which says what is
wrong or that nothing is. Both are made from `ingest.contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ingest.contract import BY_NAME, COMMON, EVENT_TYPES, FIELDS, Kind, carriers
from ingest.sql import fill, literal, literals

# RFC 3339, with the space that it allows in place of the T.
_RFC3339 = (
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_NO_OFFSET = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?"
_NUMBER = r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,3})?"
_NOT_FINITE = r"(?i)[+-]?(nan|inf|infinity)"
_BLANKS = " \t\r\n\v\f"

# json_transform renders these unquoted, so that only the exact check can tell the
# JSON word from the same text.
_BARE_WORDS = literals(("true", "false", "NaN", "Infinity", "-Infinity"))
_LONE_TYPES = literals(("VARCHAR", "BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "NULL"))


def shape(names: Iterable[str]) -> str:
    """Give the structure that `json_transform` takes the fields `names` out with."""
    return literal("{" + ",".join(f'"{name}":"VARCHAR"' for name in names) + "}")


def present(name: str) -> str:
    """Give a field's text; NULL where it is blank or its event's type lacks it."""
    blank = fill("trim($n, $blanks) = ''", n=name, blanks=literal(_BLANKS))
    foreign = fill("type NOT IN $types", types=literals(carriers(name)))
    test = blank if name in COMMON else f"{blank} OR {foreign}"
    return fill("CASE WHEN $t THEN NULL ELSE $n END AS $n", t=test, n=name)


def _quick_time(name: str) -> str:
    # A cast to TIMESTAMP ignores the offset, which is right for UTC alone.
    return fill("TRY_CAST($n AS TIMESTAMP)", n=name)


def _exact_time(name: str) -> str:
    return fill(
        """CASE WHEN regexp_full_match($n, $form) THEN make_timestamp(
            epoch_us(TRY_CAST(regexp_replace(upper($n), '(:\\d\\d):60', '\\1:59')
                AS TIMESTAMPTZ))
            + CASE WHEN regexp_matches($n, ':\\d\\d:60') THEN 1000000 ELSE 0 END
        ) END""",
        n=name,
        form=literal(_RFC3339),
    )


def _exact_number(name: str) -> str:
    kind = FIELDS[name]
    wide = fill(
        "CASE WHEN regexp_full_match(trim($n), $form)"
        " THEN TRY_CAST(trim($n) AS DECIMAL(38,9)) END",
        n=name,
        form=literal(_NUMBER),
    )
    return fill("TRY_CAST($wide AS $type)", wide=wide, type=kind.value)


def _flag(name: str) -> str:
    return fill("lower($n) = 'true'", n=name)


def quick_value(name: str) -> str:
    """Give the stored form of a field that passes the quick check."""
    kind = FIELDS[name]
    if kind is Kind.TEXT:
        return name
    if kind is Kind.FLAG:
        return _flag(name)
    if kind is Kind.TIME:
        return _quick_time(name)
    return fill("TRY_CAST($n AS $type)", n=name, type=kind.value)


def scoped_value(name: str, types: tuple[str, ...]) -> str:
    """Give `quick_value`, NULL where the event's type does not carry the field."""
    having = tuple(one for one in carriers(name) if one in types)
    if name in COMMON or having == types:
        return quick_value(name)
    return fill(
        "CASE WHEN type IN $types THEN $v END",
        types=literals(having),
        v=quick_value(name),
    )


def exact_value(name: str) -> str:
    """Give the stored form of a field that passes the exact check."""
    kind = FIELDS[name]
    if kind is Kind.TEXT:
        return name
    if kind is Kind.FLAG:
        return _flag(name)
    return _exact_time(name) if kind is Kind.TIME else _exact_number(name)


def _doubtful(name: str) -> str:
    kind = FIELDS[name]
    if kind is Kind.TEXT:
        test = """$n < '!' OR $n >= '{' OR ($n >= '[' AND $n < '\\') OR $n IN $words"""
        return fill(test, n=name, words=_BARE_WORDS)
    if kind is Kind.FLAG:
        return fill("lower($n) NOT IN ('true', 'false')", n=name)
    unread = fill("($n IS NOT NULL AND $v IS NULL)", n=name, v=quick_value(name))
    if kind is Kind.TIME:
        test = """strlen($n) < 20 OR $n[11] <> 'T' OR $n[12:13] >= '24'
            OR NOT (ends_with($n, 'Z') OR ends_with($n, '+00:00'))"""
        return unread + " OR " + fill(test, n=name)
    value = {"n": name, "v": quick_value(name)}
    if kind is Kind.MONEY:
        return unread + fill(" OR $v < 0 OR contains($n, '_')", **value)
    # Only the plain spelling of a whole number reads back as it was written.
    return unread + fill(" OR $v::VARCHAR <> $n OR $v < 0", **value)


def _by_type(types: tuple[str, ...], one: Callable[[str], str]) -> str:
    if len(types) == 1:
        return one(types[0])
    arms = (
        fill("WHEN $type THEN $test", type=literal(name), test=one(name))
        for name in types
    )
    return "CASE type " + " ".join(arms) + " END"


def _lacks(event: str) -> str:
    of = BY_NAME[event]
    tests = [f"{name} IS NULL" for name in of.required]
    if of.one_of:
        tests.append("(" + " AND ".join(f"{n} IS NULL" for n in of.one_of) + ")")
    return "(" + " OR ".join(tests or ["false"]) + ")"


def _strays(event: str) -> str:
    tests = [
        fill("$n NOT IN $c", n=name, c=literals(choices))
        for name, choices in BY_NAME[event].choices.items()
    ]
    return "(" + " OR ".join(tests or ["false"]) + ")"


def doubt(names: tuple[str, ...], types: tuple[str, ...]) -> str:
    """Give the condition under which a line needs the exact check.

    It is meant to be tested with IS TRUE: what is NULL beside it is no doubt.
    """
    unknown = fill("type IS NULL OR type NOT IN $types", types=literals(types))
    missing = "event_id IS NULL OR occurred_at IS NULL"
    fields = (_doubtful(name) for name in names if name != "type")
    # DuckDB's JSON reader lets a last comma pass; the standard does not.
    comma = "ends_with(record, ',}') OR ends_with(record, ', }')"
    scoped = (_by_type(types, _lacks), _by_type(types, _strays))
    return " OR ".join((unknown, missing, *fields, *scoped, comma))


_NEVER = "is missing"


def _when(test: str, name: str, says: str) -> str:
    return fill("WHEN $t THEN $s", t=test, s=literal(f"{name}: {says}"))


def _wrong_shape(name: str) -> list[str]:
    kind = fill("json_type(record, $path)", path=literal("$." + name))
    seen = f"{name} IS NOT NULL AND "
    nested = seen + kind + " IN ('OBJECT', 'ARRAY')"
    found = [_when(nested, name, "is nested, not a single value")]
    if FIELDS[name] is Kind.TEXT:
        lone = seen + kind + " NOT IN " + _LONE_TYPES
        found.append(_when(lone, name, "is not text"))
    if FIELDS[name] is Kind.TEXT or FIELDS[name].is_number:
        bare = fill(
            "$seen$kind <> 'VARCHAR' AND regexp_full_match($n, $form)",
            seen=seen,
            kind=kind,
            n=name,
            form=literal(_NOT_FINITE),
        )
        found.append(_when(bare, name, "is not a finite number"))
    return found


def _wrong_value(name: str) -> list[str]:
    kind = FIELDS[name]
    if kind is Kind.TIME:
        return _wrong_time(name)
    if kind is Kind.FLAG:
        test = fill("lower($n) NOT IN ('true', 'false')", n=name)
        return [_when(test, name, "is neither true nor false")]
    return _wrong_number(name) if kind.is_number else []


def _wrong_time(name: str) -> list[str]:
    naive = fill("regexp_full_match($n, $f)", n=name, f=literal(_NO_OFFSET))
    unread = fill("$n IS NOT NULL AND $v IS NULL", n=name, v=_exact_time(name))
    return [
        _when(naive, name, "has no offset from UTC"),
        _when(unread, name, "is not an RFC 3339 time"),
    ]


def _wrong_number(name: str) -> list[str]:
    parts = {"n": name, "v": _exact_number(name)}
    unread = fill("NOT regexp_full_match(trim($n), $f)", n=name, f=literal(_NUMBER))
    infinite = fill("regexp_full_match(trim($n), $f)", n=name, f=literal(_NOT_FINITE))
    found = [
        _when(infinite, name, "is not a finite number"),
        _when(unread, name, "is not a number"),
        _when(fill("TRY_CAST(trim($n) AS DOUBLE) < 0", **parts), name, "is negative"),
    ]
    if FIELDS[name] is not Kind.MONEY:
        broken = fill("TRY_CAST(trim($n) AS DOUBLE) % 1 <> 0", **parts)
        found.append(_when(broken, name, "is not a whole number"))
    large = fill("$n IS NOT NULL AND $v IS NULL", **parts)
    found.append(_when(large, name, "is too large"))
    return found


def _wrong_choice(event: str) -> list[str]:
    return [
        _when(
            fill(
                "type = $e AND $n NOT IN $c",
                e=literal(event),
                n=name,
                c=literals(choices),
            ),
            name,
            "is none of " + ", ".join(choices),
        )
        for name, choices in BY_NAME[event].choices.items()
    ]


def _absent(event: str) -> list[str]:
    of = BY_NAME[event]
    is_it = fill("type = $e AND ", e=literal(event))
    found = [_when(f"{is_it}{name} IS NULL", name, _NEVER) for name in of.required]
    if of.one_of:
        none = " AND ".join(f"{name} IS NULL" for name in of.one_of)
        found.append(_when(is_it + none, " or ".join(of.one_of), _NEVER))
    return found


def reason() -> str:
    """Give the first thing that is wrong with a line, or NULL.

    The text names the field and what is wrong with it, never the value.
    """
    arms = [
        "WHEN NOT json_valid(record) THEN 'line: is not JSON'",
        "WHEN json_type(record) <> 'OBJECT' THEN 'line: is not a JSON object'",
        r"WHEN regexp_matches(record, ',\s*[}\]]\s*$$') THEN 'line: is not JSON'",
    ]
    arms = [fill(arm) for arm in arms]
    arms += [arm for name in FIELDS for arm in _wrong_shape(name)]
    arms += [_when(f"{name} IS NULL", name, _NEVER) for name in COMMON]
    known = literals(event.name for event in EVENT_TYPES)
    arms.append(_when(f"type NOT IN {known}", "type", "is unknown"))
    for event in EVENT_TYPES:
        arms += _absent(event.name)
    arms += [arm for name in FIELDS for arm in _wrong_value(name)]
    for event in EVENT_TYPES:
        arms += _wrong_choice(event.name)
    return "CASE " + " ".join(arms) + " END"
