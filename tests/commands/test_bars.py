"""Bars are drawn on a terminal and nowhere else; a file's name moves nothing there."""

from __future__ import annotations

import io
import itertools
import json
import re
from pathlib import Path

import pytest

import ringfence
from commands.bars import bars
from ingest import ledger
from ingest.progress import Report, silent

HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\n<b>.ndjson"
SHOW_CURSOR = "\x1b[?25h"
STOPPED = "ringfence: stopped; all that was finished stays: run the same again to go on"


class Terminal(io.StringIO):
    """What a person would see, kept."""

    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Puts a terminal in the place of standard error."""
    opened = Terminal()
    monkeypatch.setattr("sys.stderr", opened)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    return opened


def _ingest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    monkeypatch.setenv("RINGFENCE_PEPPER", "a pepper for the tests of bars")
    events = folder / "events"
    events.mkdir(exist_ok=True)
    (events / HOSTILE).write_text('{"event_id": "e"}\n')
    words = ["--workspace", str(folder / "workspace"), "ingest", str(events)]
    monkeypatch.setattr("sys.argv", ["ringfence", *words])
    try:
        ringfence.main()
    except SystemExit as ended:
        return ended.code
    return 0


def test_a_pipe_and_a_log_see_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What makes other programs draw where nobody looks.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with bars("erasing") as progress:
        assert progress is silent
    assert _ingest(tmp_path, monkeypatch) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert json.loads(told.out)["read"] == 1


def test_a_terminal_sees_how_much_how_fast_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _terminal(monkeypatch)
    seconds = itertools.count()
    monkeypatch.setattr("rich.console.monotonic", lambda: next(seconds))
    with bars("opening") as progress:
        for done in (0, 2_000_000, 4_000_000):
            progress(Report("reading", done, 5_000_000, "bytes", f"{done} of it"))
    drawn = terminal.getvalue()
    assert "reading" in drawn
    assert "4.0 MB of 5.0 MB" in drawn
    assert re.search(r"[0-9.]+ [kM]?B/s", drawn)
    assert re.search(r"0:\d\d:\d\d", drawn)
    assert "4000000 of it" in drawn


def test_work_of_unknown_size_tells_what_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _terminal(monkeypatch)
    with bars() as progress:
        progress(Report("publishing", 12_000, None, "rows"))
    assert "12,000 rows" in terminal.getvalue()


def test_stages_are_told_in_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    with bars() as progress:
        progress(Report("detecting", 40, 100, "%", "tracing keys"))
    assert re.search("detecting.*40 %.*tracing keys", terminal.getvalue())


def test_a_hostile_name_stays_one_escaped_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = _terminal(monkeypatch)
    with bars() as progress:
        progress(Report("reading", 1, 2, "bytes", HOSTILE))
    drawn = terminal.getvalue()
    assert "\\x1b]0;owned\\x07\\x1b[2J\\x0d\\x0a<b>.ndjson" in drawn
    assert _ingest(tmp_path, monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["read"] == 1
    for raw in ("\x1b]0;", "\x1b[2J"):
        assert raw not in terminal.getvalue()


def test_a_long_name_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    with bars() as progress:
        progress(Report("reading", 1, 2, "bytes", "x" * 4000))
    assert "x…" in terminal.getvalue()
    assert "x" * 61 not in terminal.getvalue()


def test_ctrl_c_leaves_one_line_and_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = _terminal(monkeypatch)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "settle", interrupted)
    assert _ingest(tmp_path, monkeypatch) == 1
    drawn = terminal.getvalue()
    assert SHOW_CURSOR in drawn
    assert drawn.splitlines()[-1].endswith(STOPPED)
    assert drawn.count("ringfence:") == 1
