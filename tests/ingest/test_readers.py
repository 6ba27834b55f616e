"""Readers under hostile and odd files: each costs what it must and no more."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.ledger import Counts, Ledger
from ingest.readers import bytestream
from ingest.readers.bytestream import blocks
from ingest.readers.chunks import chunks
from ingest.readers.files import InputFile, walk
from ingest.readers.lines import read_lines
from ingest.readers.pieces import MAX_LINE
from ingest.readers.table import read_csv
from tests.ingest.examples import event


def _lines(path: Path) -> list[tuple[int, str]]:
    rows = []
    for piece in read_lines(path):
        texts = [text.rstrip("\r\n") for text in piece.records.column(1).to_pylist()]
        rows += list(zip(piece.records.column(0).to_pylist(), texts, strict=True))
    return rows


_letters = st.characters(exclude_characters="\n", codec="utf-8")
_texts = st.lists(st.text(_letters), max_size=20)


@settings(max_examples=60, deadline=None)
@given(texts=_texts, last=st.booleans(), zipped=st.booleans(), size=st.integers(1, 40))
def test_lines_keep_their_numbers_however_they_are_read(
    texts: list[str],
    last: bool,
    zipped: bool,
    size: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("lines") / "x.ndjson"
    data = "\n".join(texts).encode() + (b"\n" if last else b"")
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytestream, "BLOCK", size)
        found = _lines(path)
    whole = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    expected = [
        (number, line.decode().rstrip("\r\n"))
        for number, line in enumerate(whole, 1)
        if line.strip()
    ]
    assert found == expected


def test_gzip_members_and_padding_are_read_on(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson.gz"
    path.write_bytes(gzip.compress(b"1\n") + gzip.compress(b"2\n") + b"\0" * 100)
    assert _lines(path) == [(1, "1"), (2, "2")]


def test_an_overlong_line_costs_itself_alone(ledger: Ledger, tmp_path: Path) -> None:
    good = json.dumps(event("account.closed"))
    other = json.dumps(event("account.closed", 2))
    path = tmp_path / "x.ndjson"
    long = '{"event_id": "' + "a" * (3 * MAX_LINE) + '"}'
    path.write_text(f"{good}\n{long}\n{other}\n")
    assert ledger.ingest([path]) == Counts(3, 2, 0, 1)
    with ledger.connect() as connection:
        rows = connection.execute("SELECT line, reason FROM quarantine").fetchall()
    assert rows == [(2, f"line: is over {MAX_LINE} bytes")]


def test_a_megabyte_in_a_field_is_no_harm(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_text(json.dumps(event("account.closed", reason="x" * (1 << 20))) + "\n")
    assert ledger.ingest([path]) == Counts(1, 1, 0, 0)


def test_bombs_are_refused_in_time(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    zeros = b"\0" * (1 << 20)
    with gzip.open(folder / "spaces.ndjson.gz", "wb", compresslevel=1) as file:
        for _ in range(400):
            file.write(b" " * len(zeros))
    deep = "[" * 100_000 + "]" * 100_000
    (folder / "deep.ndjson").write_text('{"event_id": ' + deep + "}\n")
    many = pa.table({"event_id": pa.DictionaryArray.from_arrays(
        pa.array([0] * 5000, pa.int32()), ["x" * 1_000_000])})  # fmt: skip
    pq.write_table(many, folder / "wide.parquet")
    rows = pa.table({"x": pa.nulls(3_000_000, pa.int8())})
    pq.write_table(rows, folder / "tall.parquet", compression="zstd")
    columns = pa.table({f"c{n}": [1] for n in range(3000)})
    pq.write_table(columns, folder / "broad.parquet")
    started = time.process_time()
    counts = ledger.ingest([folder])
    assert time.process_time() - started < 30
    assert counts == Counts(6, 0, 0, 6)
    with ledger.connect() as connection:
        found = connection.execute("SELECT file, reason FROM quarantine").fetchall()
    assert sorted((Path(file).name, reason) for file, reason in found) == [
        ("broad.parquet", "file: has over 2000 columns"),
        ("deep.ndjson", "event_id: is nested, not a single value"),
        ("spaces.ndjson.gz", "file: unpacks to over 200 times its size"),
        ("spaces.ndjson.gz", f"line: is over {MAX_LINE} bytes"),
        ("tall.parquet", "file: claims more rows than its size can hold"),
        ("wide.parquet", "file: unpacks to far more than its size"),
    ]


def _csv(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    path.write_text(text, newline="", encoding="utf-8")
    rows = []
    with duckdb.connect() as connection:
        for piece in read_csv(path, connection):
            records = [json.loads(r) for r in piece.records.column(1).to_pylist()]
            rows += list(zip(piece.records.column(0).to_pylist(), records, strict=True))
    return sorted(rows, key=lambda row: row[0])


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_is_placed_by_its_physical_lines(
    mark: str, end: str, tmp_path: Path
) -> None:
    rows = ["a,b", "1,2", '"x,y","q ""r"" s"', f'3,"two{end}{end}lines"', "4,"]
    rows = [row.replace(",", mark) for row in rows]
    found = _csv(tmp_path / "x.csv", end.join(rows) + end)
    assert found == [
        (2, {"a": "1", "b": "2"}),
        (3, {"a": f"x{mark}y", "b": 'q "r" s'}),
        (4, {"a": "3", "b": f"two{end}{end}lines"}),
        (7, {"a": "4", "b": ""}),
    ]


def test_a_stray_quote_swallows_nothing(tmp_path: Path) -> None:
    lines = ["a,b", '"open,1', *(f"{n},{n}" for n in range(500)), '5" disk,x', "9,9"]
    found = _csv(tmp_path / "x.csv", "\n".join(lines))
    assert len(found) == 502
    assert found[-2:] == [
        (503, {"a": '5" disk', "b": "x"}),
        (504, {"a": "9", "b": "9"}),
    ]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=("Cs", "Cc")))] * 3),
        min_size=1,
        max_size=8,
    )
)
def test_csv_reads_what_was_written(
    rows: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    found = [tuple(row.values()) for _, row in _csv(path, text.getvalue())]
    assert found == rows


def test_a_document_holds_its_records(ledger: Ledger, tmp_path: Path) -> None:
    events = [event("account.closed", number) for number in range(3)]
    (tmp_path / "one.json").write_text(json.dumps(events))
    (tmp_path / "two.json").write_text(json.dumps(events, indent=2))
    assert ledger.ingest([tmp_path / "one.json"]) == Counts(3, 3, 0, 0)
    assert ledger.ingest([tmp_path / "two.json"]) == Counts(3, 0, 3, 0)


def test_folders_are_walked_in_order_and_not_left(tmp_path: Path) -> None:
    for name in ("b/2", "a", "b/1", "c"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text("")
    (tmp_path / "out").write_text("secret")
    (tmp_path / "in" / "d").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "e").symlink_to(tmp_path / "in" / "a")
    found = list(walk([tmp_path / "in"]))
    names = [str(one.path.relative_to(tmp_path / "in")) for one in found]
    assert names == ["a", "b/1", "b/2", "c", "d", "e"]
    assert [one.path.name for one in found if one.refusal] == ["d"]


def test_many_small_files_make_one_chunk(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number}.ndjson").write_text('{"event_id": 1}\n')
    [chunk] = chunks([InputFile(p) for p in sorted(tmp_path.iterdir())])
    assert chunk.records.num_rows == 50
    assert sorted(set(chunk.records.column("file").to_pylist())) == list(range(50))


def test_buffers_are_lent_again(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_text("1\n2\n")
    first = [block.data.to_pybytes() for block in blocks(path)]
    second = [block.data.to_pybytes() for block in blocks(path)]
    assert first == second == [b"1\n2\n"]


def test_a_short_file_that_breaks_off_gives_what_was_good(
    ledger: Ledger, tmp_path: Path
) -> None:
    lines = "".join(
        f'{{"event_id": "e{n}", "type": "account.created", "account_id": "a{n}",'
        f' "occurred_at": "2026-03-01T00:00:{n % 60:02d}Z"}}\n'
        for n in range(300)
    )
    whole = gzip.compress(lines.encode())
    broken = tmp_path / "broken.ndjson.gz"
    broken.write_bytes(whole[: len(whole) // 2])
    counts = ledger.ingest([broken])
    assert counts.accepted > 50
    assert counts.quarantined == 1
    assert counts.read == counts.accepted + 1
