"""How values are printed in CSV, JSON lines and Parquet: one rule for every export.

A CSV is opened by people in spreadsheets, so text that one would run as a formula is
made inert with a leading apostrophe; ids of plain letters stay exact. JSON lines and
Parquet are for machines and keep every value as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import is_object_dtype, is_string_dtype

from ingest.errors import UsageError

# An id of these characters alone can't call a function or another program.
PLAIN_ID = "^[A-Za-z0-9_.:@-]+$"

# What starts a formula, with every character that Unicode's NFKC, or a spreadsheet's
# minus, reads as one of = + - @ | %. Invisible characters before it are skipped; a
# leading tab or line break is itself a way to start one (OWASP ASVS 1.2.10).
FORMULA = (
    "^[\\t\\r\\n]|"
    "^[\\pC\\pZ\\pM\\x{115F}\\x{1160}\\x{3164}\\x{FFA0}]*"
    "[=+\\-@|%\\x{207A}-\\x{207C}\\x{208A}-\\x{208C}\\x{2212}\\x{2A75}\\x{2A76}\\x{FB29}"
    "\\x{FE62}\\x{FE63}\\x{FE66}\\x{FE6A}\\x{FE6B}\\x{FF05}\\x{FF0B}\\x{FF0D}\\x{FF1D}"
    "\\x{FF20}\\x{FF5C}]"
)

_INERT = (
    "CASE WHEN regexp_matches({0}, getvariable('formula'))"
    " THEN '''' || {0} ELSE nullif({0}, '') END"
)
_EXACT = "coalesce({0}, '')"
# Adding zero turns -0.0 into 0.0, so that one value has one spelling.
_ROUNDED = "round({0}, 6) + 0.0"
_RFC3339 = "strftime({0}, '%Y-%m-%dT%H:%M:%S.%fZ')"

# kind of column -> how it is printed in (CSV, JSON lines, Parquet).
_PRINTED: Mapping[str, tuple[str, str, str]] = {
    "id": (
        "CASE WHEN regexp_matches({0}, getvariable('plain_id'))"
        " THEN {0} ELSE " + _INERT + " END",
        _EXACT,
        _EXACT,
    ),
    "text": (_INERT, _EXACT, _EXACT),
    "json": ("coalesce({0}, '[]')", "coalesce({0}, '[]')::JSON", "coalesce({0}, '[]')"),
    "number": (_ROUNDED, _ROUNDED, _ROUNDED),
    "whole": ("{0}", "{0}", "{0}"),
    "flag": ("{0}", "{0}", "{0}"),
    "time": (_RFC3339, _RFC3339, "{0} AT TIME ZONE 'UTC'"),
}

ENDINGS: Mapping[str, int] = {".csv": 0, ".jsonl": 1, ".ndjson": 1, ".parquet": 2}

_COPY = (
    "COPY leaving TO $out (FORMAT csv, HEADER)",
    "COPY leaving TO $out (FORMAT json)",
    "COPY leaving TO $out (FORMAT parquet, COMPRESSION zstd)",
)


def write(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    out: Path,
) -> None:
    """Write `columns` (name to kind) of `table`, sorted by all of them, to `out`.

    `table` names a view or table of `connection`. The ending of `out` says the shape;
    the file appears whole or not at all, private to its owner. Raises `UsageError`
    for another ending or a place that can't be written.
    """
    shape = ENDINGS.get(out.suffix.lower())
    if shape is None:
        raise UsageError(
            f"{out} says no format: end it with .csv, .jsonl, .ndjson or .parquet"
        )
    connection.execute("SET VARIABLE formula = $1", [FORMULA])
    connection.execute("SET VARIABLE plain_id = $1", [PLAIN_ID])
    printed = ", ".join(
        _PRINTED[kind][shape].format(f'"{name}"') + f' AS "{name}"'
        for name, kind in columns.items()
    )
    keys = ", ".join(f'"{name}"' for name in columns)
    connection.table(table).order(keys).project(printed).create_view("leaving")
    try:
        with TemporaryDirectory(dir=out.parent, prefix=".leaving-") as folder:
            building = Path(folder) / "file"
            connection.execute(_COPY[shape], {"out": str(building)})
            building.chmod(0o600)
            building.replace(out)
    except (OSError, duckdb.IOException) as error:
        raise UsageError(
            f"{out} can't be written: name a folder that exists and is yours"
        ) from error
    finally:
        connection.execute("DROP VIEW leaving")


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of `frame` whose text no spreadsheet runs, for a CSV made elsewhere."""
    return frame.apply(_inert_text)


def _inert_text(column: pd.Series) -> pd.Series:
    if not (is_string_dtype(column) or is_object_dtype(column)):
        return column
    text = column.map(lambda value: value if isinstance(value, str) else "")
    risky = pc.match_substring_regex(pa.array(text, pa.string()), FORMULA)
    return column.where(~risky.to_numpy(zero_copy_only=False), "'" + text)
