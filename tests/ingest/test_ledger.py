"""Exactly once: across files, batches, orders, crashes and rivals."""

from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import intake
from ingest.errors import LedgerError, UsageError
from ingest.ledger import Counts, Ledger
from ingest.readers import chunks
from ingest.workspace import Workspace
from tests.ingest.examples import Event, event

Take = Callable[..., Counts]
Row = tuple[object, ...]


def _write(path: Path, events: list[Event]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    return path


def _events(ledger: Ledger) -> list[Row]:
    with ledger.connect() as connection:
        return connection.execute("FROM events ORDER BY event_id").fetchall()


def _quarantine(ledger: Ledger) -> list[Row]:
    with ledger.connect() as connection:
        return connection.execute(
            "SELECT line, reason FROM quarantine ORDER BY ALL"
        ).fetchall()


def _usage(number: int, **changes: object) -> Event:
    return event("usage.recorded", number, **changes)


def _fresh(folder: Path) -> Ledger:
    return Ledger.open(Workspace.open(folder))


def test_the_same_events_again_change_nothing(ledger: Ledger, take: Take) -> None:
    events = [_usage(number) for number in range(5)]
    assert take([*events, "{bad"]) == Counts(6, 5, 0, 1)
    before = (_events(ledger), _quarantine(ledger), ledger.fingerprint)
    manifest = (ledger.workspace.ledger / "manifest.json").read_bytes()
    assert take([*events, "{bad"]) == Counts(6, 0, 5, 1)
    assert (_events(ledger), _quarantine(ledger), ledger.fingerprint) == before
    assert (ledger.workspace.ledger / "manifest.json").read_bytes() == manifest


def test_an_empty_ledger_has_its_views(ledger: Ledger) -> None:
    assert _events(ledger) == []
    assert _quarantine(ledger) == []
    assert ledger.reveal("ip", "0" * 32) is None


def test_the_stored_event_stays_across_ingests(ledger: Ledger, take: Take) -> None:
    take([_usage(1, cost_usd=5)])
    assert take([_usage(1, cost_usd=1), _usage(1, cost_usd=5.0)]) == Counts(2, 0, 1, 1)
    with ledger.connect() as connection:
        row = connection.execute("SELECT cost_usd FROM events").fetchall()
    assert row == [(5,)]
    assert _quarantine(ledger) == [
        (1, "event_id: was accepted earlier with another body")
    ]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_body_that_sorts_first_stays_within_an_ingest(
    apart: bool,
    order: tuple[int, ...],
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1)
    # As text "10" sorts before "9"; the third spells the second's body otherwise.
    bodies: list[dict[str, object]] = [
        {"cost_usd": 9},
        {"cost_usd": 10},
        {"cost_usd": "10.0"},
        {"cost_usd": 9, "region": "us"},
    ]
    copies = [_usage(1, **bodies[at]) for at in order]
    if apart:
        files = [_write(tmp_path / f"{at}.ndjson", [c]) for at, c in enumerate(copies)]
    else:
        files = [_write(tmp_path / "all.ndjson", copies)]
    other = _write(tmp_path / "other.ndjson", [_usage(2)])
    assert ledger.ingest([*files, other]) == Counts(5, 2, 1, 2)
    with ledger.connect() as connection:
        row = connection.execute(
            "SELECT cost_usd, region FROM events WHERE event_id = 'e1'"
        ).fetchall()
        reasons = connection.execute("SELECT DISTINCT reason FROM quarantine")
        assert reasons.fetchall() == [
            ("event_id: comes with another body in the same ingest",)
        ]
    assert row == [(10, "eu")]


_bodies = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([1, 2, "2.0", -1])),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bodies=_bodies, seed=st.integers(0, 1000), parts=st.integers(1, 4))
def test_order_and_files_do_not_matter_within_an_ingest(
    bodies: list[tuple[int, object]],
    seed: int,
    parts: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("orders")
    events = [_usage(number, cost_usd=cost) for number, cost in bodies]
    shuffled = random.Random(seed).sample(events, len(events))  # noqa: S311
    one, other = _fresh(folder / "one"), _fresh(folder / "other")
    counts = one.ingest([_write(folder / "a.ndjson", events)])
    for part in range(parts):
        _write(folder / "b" / f"{part}.ndjson", shuffled[part::parts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK", 1)
        assert other.ingest([folder / "b"]) == counts
    assert counts.read == len(events)
    assert _events(one) == _events(other)
    assert one.fingerprint == other.fingerprint


def test_batches_do_not_matter_without_conflicts(
    tmp_path: Path, ledger: Ledger
) -> None:
    events = [event("account.created", n, email=f"u{n}@example.org") for n in range(9)]
    ledger.ingest([_write(tmp_path / "all.ndjson", events)])
    other = _fresh(tmp_path / "other")
    for at in (2, 0, 1):
        other.ingest([_write(tmp_path / f"{at}.ndjson", events[at::3])])
    assert _events(other) == _events(ledger)
    assert other.fingerprint == ledger.fingerprint
    other.ingest([_write(tmp_path / "more.ndjson", [_usage(99)])])
    assert other.fingerprint != ledger.fingerprint


def test_slices_of_the_work_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same id again, with another body, and as it was; lines of no use between.
    lines = [json.dumps(_usage(n % 6, model=f"m{n % 4}")) for n in range(12)]
    lines += [*lines[:3], *(f"bad {n}" for n in range(9))]
    logs = tmp_path / "logs.ndjson"
    logs.write_text("".join(f"{line}\n" for line in lines))
    found = []
    for most in (1 << 20, 8):
        monkeypatch.setattr(intake, "_MOST_DOUBTED", most)
        monkeypatch.setattr(intake, "_MOST_AT_ONCE", most)
        ledger = _fresh(tmp_path / str(most))
        counts = ledger.ingest([logs])
        read = (_events(ledger), _quarantine(ledger), ledger.fingerprint)
        found.append((counts, read))
    assert found[0] == found[1]
    assert found[0][0].quarantined > 9


def test_a_mixed_folder(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    lines = [json.dumps(_usage(number)) for number in range(100)]
    lines[50] = lines[50][:40]
    (folder / "deep").mkdir(parents=True)
    text = ("\n".join(lines) + "\n").encode()
    (folder / "a.ndjson.gz").write_bytes(gzip.compress(text))
    whole = "".join(json.dumps(_usage(number)) + "\n" for number in range(100, 2000))
    packed = gzip.compress(whole.encode())
    (folder / "b.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    rows = [{"event_id": f"c{n}", "type": "key.revoked"} for n in range(3)]
    table = pa.Table.from_pylist([r | {"key_id": "k"} for r in rows]).append_column(
        "occurred_at", pa.array([0, 1, None], pa.timestamp("s", "UTC"))
    )
    pq.write_table(table, folder / "deep" / "c.parquet")
    (folder / "d.csv").write_bytes(
        b"\xef\xbb\xbfevent_id,type,occurred_at,key_id,reason\r\n"
        b'd1,key.revoked,2026-01-01T00:00:00Z,k,"two\r\nlines, and ""quotes"""\r\n'
        b'd2,key.revoked,2026-01-01T00:00:00Z,k,stray " quote\r\n'
        b"d3,key.revoked,2026-01-01T00:00:00Z\r\n"
        b'd4,key.revoked,2026-01-01T00:00:00Z,k,"never closed\r\n'
        b"\r\n"
        b"d5,key.revoked,2026-01-01T00:00:00Z,k,"
    )
    (folder / "e.bin").write_bytes(random.Random(1).randbytes(5000))  # noqa: S311
    (folder / "f.ndjson").write_bytes(b"")
    (folder / "g.parquet").write_bytes(b"PAR1 and nothing more")
    (folder / "h.log").write_text("not made for this\n")
    (folder / "i.ndjson").write_text("\ufeff" + json.dumps(_usage(5000)) + "\r\n\r\n  ")
    (folder / "j.ndjson").symlink_to("/etc/passwd")
    counts = ledger.ingest([folder])
    with ledger.connect() as connection:
        bad = connection.execute(
            "SELECT file, line, reason FROM quarantine ORDER BY file, line"
        ).fetchall()
        broken = connection.execute(
            "SELECT count(*) FROM events WHERE event_id BETWEEN 'e100' AND 'e999'"
            " AND strlen(event_id) = 4"
        ).fetchall()[0][0]
        kept = connection.execute(
            "SELECT event_id, reason FROM events WHERE event_id LIKE 'd%' ORDER BY 1"
        ).fetchall()
    places = [(Path(file).name, line, reason) for file, line, reason in bad]
    assert places[0] == ("a.ndjson.gz", 51, "line: is not JSON")
    assert places[1][0::2] == ("b.jsonl.gz", "file: the gzip data ends early")
    columns = "line: does not have the header's 5 columns"
    assert places[2:] == [
        ("d.csv", 5, columns),
        ("d.csv", 6, columns),
        ("c.parquet", 3, "occurred_at: is missing"),
        ("e.bin", 1, "file: is binary, not JSON lines, CSV or Parquet"),
        ("g.parquet", 1, "file: the Parquet data is damaged"),
        ("h.log", 1, "file: is neither JSON lines, CSV nor Parquet"),
        ("j.ndjson", 1, "file: is a link that leads out of the folder"),
    ]
    assert kept == [
        ("d1", 'two\r\nlines, and "quotes"'),
        ("d2", 'stray " quote'),
        ("d5", None),
    ]
    assert broken > 100
    assert counts.read == counts.accepted + counts.duplicate + counts.quarantined
    assert counts.quarantined == len(places)
    assert ledger.ingest([folder]) == Counts(
        counts.read, 0, counts.accepted, counts.quarantined
    )


def test_what_does_not_exist_is_a_wrong_call(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        ledger.ingest([tmp_path / "nothing"])
    _write(tmp_path / "a.ndjson", [_usage(1)])
    with pytest.raises(UsageError, match="no source"):
        ledger.ingest([tmp_path / "a.ndjson"], source="nobody")


def test_readers_keep_their_view_while_others_write(ledger: Ledger, take: Take) -> None:
    take([_usage(1)])
    with ledger.connect() as early:
        take([_usage(2)], "b.ndjson")
        assert early.execute("SELECT count(*) FROM events").fetchall() == [(1,)]
    assert len(_events(ledger)) == 2


def test_damage_is_named(ledger: Ledger, take: Take) -> None:
    take([_usage(1)])
    segment = next((ledger.workspace.ledger / "events").iterdir())
    segment.rename(segment.with_suffix(".gone"))
    with pytest.raises(LedgerError, match="missing"):
        ledger.connect()
    (ledger.workspace.ledger / "manifest.json").write_text('{"version": 1,')
    with pytest.raises(LedgerError, match="damaged"):
        Ledger.open(ledger.workspace)
    (ledger.workspace.ledger / "manifest.json").write_text('{"version": 99}')
    with pytest.raises(LedgerError, match="newer"):
        Ledger.open(ledger.workspace)


_INGEST = """
import sys
from pathlib import Path
from ingest.ledger import Ledger
from ingest.workspace import Workspace
print(Ledger.open(Workspace.open(Path(sys.argv[1]))).ingest([Path(sys.argv[2])]))
"""


def _start(workspace: Path, file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _INGEST, str(workspace), str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def _survives(folder: Path, delays: list[float], expected: Ledger) -> None:
    file = folder / "events.ndjson"
    ledger = _fresh(folder / "killed")
    for delay in delays:
        process = _start(ledger.workspace.root, file)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        rows = _events(ledger)
        assert rows == [] or rows == _events(expected)
    ledger.ingest([file])
    assert _events(ledger) == _events(expected)
    assert ledger.fingerprint == expected.fingerprint
    named = set(ledger.manifest.names("events"))
    held = {f"events/{p.name}" for p in (ledger.workspace.ledger / "events").iterdir()}
    assert held == named


def _many(folder: Path, count: int) -> Ledger:
    events = [_usage(n, ip=f"10.0.{n % 256}.{n // 256}") for n in range(count)]
    file = _write(folder / "events.ndjson", events)
    expected = _fresh(folder / "unbroken")
    expected.ingest([file])
    return expected


def test_a_killed_ingest_leaves_all_or_nothing(tmp_path: Path) -> None:
    _survives(tmp_path, [0.7, 1.2, 1.8], _many(tmp_path, 20_000))


@pytest.mark.torture
def test_an_ingest_killed_at_many_points(tmp_path: Path) -> None:
    delays = [at * 0.05 for at in range(100)]
    _survives(tmp_path, delays, _many(tmp_path, 50_000))


def test_two_ingests_at_once_take_turns(tmp_path: Path) -> None:
    expected = _many(tmp_path, 3000)
    file = tmp_path / "events.ndjson"
    shared = tmp_path / "shared"
    rivals = [_start(shared, file) for _ in range(2)]
    outputs = [rival.communicate() for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0]
    accepted = sorted("accepted=3000" in out for out, _ in outputs)
    assert accepted == [False, True]
    assert _events(_fresh(shared)) == _events(expected)
