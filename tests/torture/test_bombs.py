"""Files made to exhaust memory or time are refused in little of either."""

from __future__ import annotations

import gzip
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.ingest.examples import event
from tests.torture.children import FORKED
from tests.torture.forms import forms

# The promise: 512 MB and 5 s of work. A loaded machine's clock is not a measure, so
# seconds are those of the processor, with room for a slow one.
MOST_BYTES = 512 << 20
MOST_SECONDS = 5.0
_ROOM_FOR_SLOW = 3

# Bad lines, which are all kept: their time is their number's, their memory is not.
LINES_SHORT, LINES_LONG = 100_000, 1_000_000

# An address space holds libraries and reserves too, which cost nothing.
_ADDRESSES = 6 << 30


def _gzip(path: Path, part: bytes, times: int) -> None:
    # Members one after the other are one gzip file.
    path.with_suffix(".ndjson.gz").write_bytes(gzip.compress(part) * times)


def _nested(path: Path) -> None:
    inner = gzip.compress(gzip.compress(b"\0" * (64 << 20)))
    path.with_suffix(".ndjson.gz").write_bytes(gzip.compress(inner))


def _text(path: Path, text: str, ending: str = ".ndjson") -> None:
    path.with_suffix(ending).write_text(text)


def _parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path.with_suffix(".parquet"), compression="zstd")


def _dictionary() -> pa.Table:
    value = pa.DictionaryArray.from_arrays(
        pa.array([0] * 5000, pa.int32()), ["x" * 10**6]
    )
    return pa.table({"event_id": value})


BOMBS: dict[str, Callable[[Path], None]] = {
    "gzip of spaces": lambda p: _gzip(p, b" " * (1 << 20), 2000),
    "gzip of zeros": lambda p: _gzip(p, b"\0" * (1 << 20), 2000),
    "gzip of one line": lambda p: _gzip(p, b"a" * (1 << 20), 2000),
    "gzip of line breaks": lambda p: _gzip(p, b"\n" * (1 << 20), 2000),
    "gzip in gzip in gzip": _nested,
    "objects in objects": lambda p: _text(p, '{"a":' * 100_000 + "}" * 100_000 + "\n"),
    "lists in lists": lambda p: _text(p, "[" * 1_000_000 + "\n"),
    "lists in a field": lambda p: _text(
        p, '{"event_id": ' + "[" * 100_000 + "]" * 100_000 + "}\n"
    ),
    "one long line": lambda p: _text(p, "x" * (200 << 20)),
    "a long field in CSV": lambda p: _text(
        p, "event_id,type\n" + '"' + "x" * (100 << 20) + '",y\n', ".csv"
    ),
    "a quote never closed": lambda p: _text(
        p, 'event_id,type\n"' + "a,b\n" * 10**5, ".csv"
    ),
    "columns of CSV": lambda p: _text(
        p, ",".join(f"c{n}" for n in range(10**5)), ".csv"
    ),
    "a dictionary unfolded": lambda p: _parquet(p, _dictionary()),
    "rows of nothing": lambda p: _parquet(
        p, pa.table({"x": pa.nulls(10_000_000, pa.int8())})
    ),
    "columns of Parquet": lambda p: _parquet(
        p, pa.table({f"c{n}": [1] for n in range(5000)})
    ),
    "a document of digits": lambda p: _text(p, "[" + "9" * (8 << 20) + "]", ".json"),
}  # fmt: skip


def _take(folder: Path, told: Path) -> None:
    """Ingest in a child that may not grow; tells the counts and what it cost."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    before, began = _peak(), time.process_time()
    counts = Ledger.open(Workspace.open(folder / "w")).ingest([folder / "in"])
    cost = (_peak() - before, time.process_time() - began)
    told.write_text(
        json.dumps([counts.read, counts.accepted, counts.quarantined, *cost])
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@dataclass(frozen=True)
class Cost:
    """What an ingest counted, how much its process grew, and its seconds of work."""

    read: int
    accepted: int
    quarantined: int
    memory: int
    seconds: float


def _cost(folder: Path, write: Callable[[Path], None]) -> Cost:
    """Ingest what `write` made, and a good event after it."""
    inputs, told = folder / "in", folder / "told"
    inputs.mkdir(parents=True)
    write(inputs / "bomb")
    good = json.dumps(event("account.closed")) + "\n"
    (inputs / "zz-good.ndjson").write_text(good)
    process = FORKED.Process(target=_take, args=(folder, told))
    process.start()
    process.join()
    assert process.exitcode == 0
    return Cost(*json.loads(told.read_text()))


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_cheaply(kind: str, tmp_path: Path) -> None:
    cost = _cost(tmp_path, BOMBS[kind])
    assert cost.accepted == 1
    assert cost.read == 1 + cost.quarantined
    assert cost.memory <= MOST_BYTES
    assert cost.seconds <= _ROOM_FOR_SLOW * MOST_SECONDS


@forms(LINES_SHORT, LINES_LONG)
def test_bad_lines_are_kept_in_bounded_memory(cases: int, tmp_path: Path) -> None:
    """What one line costs is the program's own."""
    costs = []
    for count in (1, cases):
        lines = "".join(f"bad {number}\n" for number in range(count))
        costs.append(_cost(tmp_path / str(count), partial(_text, text=lines)))
    one, many = costs
    assert (many.accepted, many.quarantined) == (1, cases)
    assert many.memory - one.memory <= MOST_BYTES
