"""The command contract: exit statuses, counts, files, and the same bytes again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.torture import children

LINE = (
    '{{"event_id": "{0}", "type": "account.created", "account_id": "{0}",'
    ' "occurred_at": "2026-03-01T00:00:00Z"}}\n'
)
LIST_QUERIES = """
import sys
from commands.asking import query
query()
print(sorted({"numpy", "pandas", "pyarrow"} & set(sys.modules)))
import pandas
print(pandas.DataFrame({"a": [1]}).size)
"""
TABLES = ("accounts", "clusters", "keys", "tenants")


def ringfence(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "ringfence",
            "--workspace",
            str(folder / "w"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _logs(folder: Path) -> Path:
    folder.mkdir()
    good = "".join(LINE.format(f"a{n}") for n in range(5))
    (folder / "events.ndjson").write_text(good + "not json\n" + LINE.format("a0"))
    return folder


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return _logs(tmp_path / "logs")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a snapshot, which no test writes to."""
    folder = tmp_path_factory.mktemp("judged")
    calls = (("ingest", str(_logs(folder / "logs"))), ("detect",))
    assert [children.ringfence(folder / "w", *call).status for call in calls] == [0, 0]
    return folder / "w"


def test_run_counts_and_writes_the_same_bytes_twice(tmp_path: Path, logs: Path) -> None:
    out = tmp_path / "out"
    call = ("run", str(logs), "--out", str(out), "--no-publish")
    first = ringfence(tmp_path, *call)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout.splitlines()[0]) == {
        "read": 7, "accepted": 5, "duplicate": 1, "quarantined": 1,
    }  # fmt: skip
    before = {name: (out / f"{name}.csv").read_bytes() for name in TABLES}
    assert children.ringfence(tmp_path / "w", *call).status == 0
    assert before == {name: (out / f"{name}.csv").read_bytes() for name in TABLES}
    assert len(before["accounts"].splitlines()) == 6


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_the_ending_says_the_format(tmp_path: Path, judged: Path, ending: str) -> None:
    out = tmp_path / f"accounts.{ending}"
    done = children.ringfence(judged, "export", "accounts", "--out", str(out))
    assert done.status == 0, done.said
    assert out.stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("export", "accounts", "--out", "x.csv"), 1, "ringfence detect"),
        (("ingest", "/no/such/file"), 2, "does not exist"),
        (("detect", "--as-of", "yesterday"), 2, "RFC 3339"),
        (("detect", "--as-of", "2026-03-01T00:00:00"), 2, "offset"),
        (("detect", "--base-rate", "2"), 2, "share"),
        (("query", "nothing_like_it"), 2, "no query is called"),
        (("export", "bans", "--out", "x.csv"), 2, "--format"),
        (("no-such-command",), 2, "No such command"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = children.ringfence(tmp_path / "w", *arguments)
    assert done.status == status
    assert said in done.said
    assert "Traceback" not in done.said


def test_a_query_starts_without_frames() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_QUERIES], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-2:] == ["[]", "1"]


def test_follow_takes_what_comes_in(tmp_path: Path, logs: Path) -> None:
    out = tmp_path / "out"
    watching = subprocess.Popen(
        [sys.executable, "-m", "ringfence", "--workspace", str(tmp_path / "w"), "run",
         str(logs), "--out", str(out), "--no-publish", "--follow"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert _told(out / "accounts.csv", "a4")
        (logs / "later.ndjson").write_text(LINE.format("newcomer"))
        assert _told(out / "accounts.csv", "newcomer")
    finally:
        watching.kill()
        watching.wait()


def _told(path: Path, account: str, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and account in path.read_text(encoding="utf-8"):
            return True
        time.sleep(0.5)
    return False
