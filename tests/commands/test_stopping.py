"""Ctrl-C ends a command with one line and status 1; the next run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ringfence
from ingest import ledger

_EVENT = {
    "event_id": "e1",
    "type": "account.created",
    "occurred_at": "2026-03-01T00:00:00Z",
    "account_id": "a",
}


def _run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    monkeypatch.setattr("sys.argv", ["ringfence", *words])
    with pytest.raises(SystemExit) as ended:
        ringfence.main()
    return ended.value.code


def test_a_stopped_ingest_goes_on_with_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RINGFENCE_PEPPER", "a pepper for the tests of stopping")
    events = tmp_path / "events.ndjson"
    events.write_text(json.dumps(_EVENT) + "\n")
    words = ["ingest", str(events), "--workspace", str(tmp_path / "workspace")]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "settle", interrupted)
        assert _run(words, monkeypatch) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "ringfence: stopped; all that was finished stays: run the same again to go on"
    ]
    assert _run(words, monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == 1
