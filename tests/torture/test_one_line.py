"""What is told stays on its line: no path, value or name breaks out of a log."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from commands.asking import TableFormat, _print_rows
from commands.options import say
from tests.graph.exports.test_export_cells import PAYLOADS, starts_formula
from tests.ingest.examples import event
from tests.torture.children import ringfence
from tests.torture.texts import HOSTILE


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_said_is_one_line(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(f"ringfence: {text} can't be read")
    said = capsys.readouterr().err
    assert said.removesuffix("\n").isprintable()
    assert said.count("\n") == 1


def test_a_hostile_name_is_told_in_one_line(tmp_path: Path) -> None:
    name = "a\nINFO all is well\r\x1b[2J\u202e.ndjson"
    missing = ringfence(tmp_path / "w", "ingest", str(tmp_path / name))
    assert (missing.status, missing.said.count("\n")) == (2, 1)
    assert missing.said.removesuffix("\n").isprintable()
    (tmp_path / name).write_text(json.dumps(event("account.closed")) + "\n")
    taken = ringfence(tmp_path / "w", "ingest", str(tmp_path / name))
    assert json.loads(taken.out)["accepted"] == 1
    assert taken.out.count("\n") == 1


def test_no_printed_csv_runs_in_a_spreadsheet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = tuple(f"column {n}" for n in range(12))
    rows: list[dict[str, object]] = [
        dict.fromkeys(columns, payload) for payload in PAYLOADS
    ]
    rows.append(dict.fromkeys(columns, 3) | {"column 0": None})
    _print_rows(rows, columns, TableFormat.csv)
    printed = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert printed[0] == list(columns)
    assert printed[-1] == ["", *["3"] * 11]
    cells = [cell for row in printed[1:-1] for cell in row]
    assert len(cells) == 80 * 12
    assert not any(starts_formula(cell) for cell in cells)
