"""A ledger of its own for each test, under a pepper of the tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ingest.ledger import Counts, Ledger
from ingest.workspace import Workspace

Event = dict[str, Any]
Take = Callable[..., Counts]


@pytest.fixture(autouse=True)
def pepper(monkeypatch: pytest.MonkeyPatch) -> str:
    """Give every test the same pepper, and keep the user's out of reach."""
    secret = "a pepper for the tests of the ledger"
    monkeypatch.setenv("RINGFENCE_PEPPER", secret)
    monkeypatch.setenv("RINGFENCE_THREADS", "2")
    return secret


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger.open(Workspace.open(tmp_path / "workspace"))


@pytest.fixture
def take(ledger: Ledger, tmp_path: Path) -> Take:
    """Ingest events that are given as objects or as lines of text."""

    def ingest(lines: Sequence[Event | str], name: str = "events.ndjson") -> Counts:
        path = tmp_path / name
        texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
        path.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        return ledger.ingest([path])

    return ingest
