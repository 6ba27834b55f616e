"""The commands that keep a workspace safe, as cron would call them."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ringfence import app

FIXTURE = Path(__file__).parents[1] / "ingest" / "layouts" / "workspace-1.tar.gz"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a ledger and a case file, nothing derived."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGFENCE_PEPPER", "a pepper for the tests of the ledger")
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    shutil.rmtree(tmp_path / "workspace" / "derived")
    return tmp_path / "workspace"


def _call(workspace: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--workspace", str(workspace), *words])


def test_a_check_names_the_part_and_ends_with_status_1(folder: Path) -> None:
    assert _call(folder, "check").exit_code == 0
    (segment,) = (folder / "ledger" / "identifiers").iterdir()
    segment.write_bytes(segment.read_bytes()[:-1] + b"?")
    result = _call(folder, "check")
    assert result.exit_code == 1
    wrong = [line for line in result.stdout.splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1
    assert f"ledger   segment {segment}" in wrong[0]


def test_a_backup_comes_back_and_passes_the_check(folder: Path) -> None:
    written = _call(folder, "backup", "b.tar")
    assert written.exit_code == 0, written.output
    assert "the pepper is not in it" in written.stderr
    restored = _call(folder.with_name("new"), "restore", "b.tar")
    assert json.loads(restored.stdout) == json.loads(written.stdout)
    assert _call(folder.with_name("new"), "check").exit_code == 0


def test_forgetting_tells_what_went(folder: Path) -> None:
    result = _call(folder, "forget", "a1", "--expires", "2999-01-01")
    told = json.loads(result.stdout)
    assert (told["events"], told["refused_until"]) == (18, "2999-01-01")
    assert _call(folder, "check").exit_code == 0


def test_the_age_may_come_from_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _call(folder, "retain").exit_code == 2
    monkeypatch.setenv("RINGFENCE_RETENTION_DAYS", "400")
    result = _call(folder, "retain")
    assert json.loads(result.stdout) == {"events": 0, "identifiers": 0}
