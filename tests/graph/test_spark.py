"""Linking on Spark: the same derived tables, byte for byte, as on one machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo.world import make
from graph import spark
from graph.derived import Snapshot
from graph.detect import Settings, detect
from ingest.errors import EngineError
from ingest.ledger import Ledger
from ingest.workspace import Workspace

ALIASED = (
    {"type": "account.created", "account_id": "sub-1", "device_id": "d-1"},
    {"type": "identifier.seen", "account_id": "a-1", "kind": "oauth_subject",
     "value": "sub-1"},
    {"type": "account.created", "account_id": "a-2", "device_id": "d-1"},
    {"type": "account.created", "account_id": "a-3", "device_id": "n/a"},
    {"type": "usage.recorded", "account_id": "a-3", "key_id": "k", "device_id": "d-1"},
    {"type": "identifier.seen", "account_id": "a-1", "kind": "wallet", "value": "w"},
    {"type": "identifier.seen", "account_id": "a-2", "kind": "wallet", "value": "w"},
    {"type": "identifier.seen", "account_id": "a-3", "kind": "hat", "value": "w"},
)  # fmt: skip


def _ledger(folder: Path) -> Workspace:
    """A demo world, and one account of two names beside others that share things."""
    make(folder / "world", accounts=300, seed=4)
    lines = [
        {"event_id": f"x-{number}", "occurred_at": "2026-03-01T00:00:00Z", **event}
        for number, event in enumerate(ALIASED)
    ]
    (folder / "more.ndjson").write_text("\n".join(map(json.dumps, lines)))
    workspace = Workspace.open(folder / "workspace")
    Ledger.open(workspace).ingest([folder / "world" / "events", folder / "more.ndjson"])
    return workspace


def _bytes(snapshot: Snapshot) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in snapshot.folder.iterdir()}


def test_the_same_bytes_as_on_one_machine(tmp_path: Path, quick_java: None) -> None:
    workspace = _ledger(tmp_path)
    words = ("--engine=spark", "--master=local[2]", "--link-kind=wallet")
    done = subprocess.run(
        [sys.executable, "-m", "ringfence", "--workspace", str(workspace.root),
         "detect", *words],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    on_spark = _bytes(Snapshot.current(workspace))
    settings = Settings(further_kinds=("wallet",))
    assert _bytes(detect(workspace, settings=settings, anew=True)) == on_spark
    with Snapshot.current(workspace).connect() as connection:
        linked = "SELECT count(*) FROM identifiers WHERE links"
        assert connection.execute(linked).fetchall()[0][0] > 3


def test_without_java_the_fix_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    ledger = Ledger.open(Workspace.open(tmp_path / "workspace"))
    with pytest.raises(EngineError, match="install Java 17"), spark.spark(ledger):
        pass
