"""The quick check of a line, and the stored form of its fields, as SQL.

The quick check passes a line only when it is surely good, with a handful of cheap
comparisons a field. What it doubts goes through the exact check (`ingest.reasons`).
Both are made from `ingest.contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ingest.contract import BY_NAME, COMMON, FIELDS, Kind, carriers
from ingest.sql import fill, literal, literals

# RFC 3339, with the space that it allows in place of the T.
RFC3339 = (
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
NUMBER = r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,3})?"
BLANKS = " \t\r\n\v\f"

# json_transform renders these unquoted, so that only the exact check can tell the
# JSON word from the same text.
_BARE_WORDS = literals(("true", "false", "NaN", "Infinity", "-Infinity"))


# DuckDB's JSON reader lets a last comma pass; the standard does not. A line may still
# have its end.
_LAST_COMMA = tuple(
    fill("ends_with(record, $comma || $end)", comma=literal(comma), end=end)
    for comma in (",}", ", }")
    for end in ("''", "chr(10)", "chr(13) || chr(10)")
)


def shape(names: Iterable[str]) -> str:
    """Give the structure that `json_transform` takes the fields `names` out with."""
    return literal("{" + ",".join(f'"{name}":"VARCHAR"' for name in names) + "}")


def present(name: str) -> str:
    """Give a field's text; NULL where it is blank or its event's type lacks it."""
    blank = fill("trim($n, $blanks) = ''", n=name, blanks=literal(BLANKS))
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
        form=literal(RFC3339),
    )


def _exact_number(name: str) -> str:
    kind = FIELDS[name]
    wide = fill(
        "CASE WHEN regexp_full_match(trim($n), $form)"
        " THEN TRY_CAST(trim($n) AS DECIMAL(38,9)) END",
        n=name,
        form=literal(NUMBER),
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
        return fill(
            "($n >= '[' AND $n < '\\') OR $n IN $words", n=name, words=_BARE_WORDS
        )
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
    texts = ", ".join(name for name in names if FIELDS[name] is Kind.TEXT)
    # Blank text sorts before the first, a nested object after the second.
    edges = fill("least($texts) < '!' OR greatest($texts) >= '{'", texts=texts)
    scoped = (_by_type(types, _lacks), _by_type(types, _strays))
    return " OR ".join((unknown, missing, edges, *fields, *scoped, *_LAST_COMMA))
