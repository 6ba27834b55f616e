"""Which workspace a call means: its own words win over the environment's."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringfence import app


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--workspace", "one", "check"), "one"),
        (("check", "--workspace", "two"), "two"),
        (("--workspace", "one", "check", "--workspace", "two"), "two"),
        (("check",), "told"),
    ],
)
def test_the_call_wins_over_the_environment(
    words: tuple[str, ...], meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RINGFENCE_PEPPER", "a pepper for the tests of the ledger")
    monkeypatch.setenv("RINGFENCE_WORKSPACE", "told")
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok"] * 4
    assert [path.name for path in tmp_path.iterdir()] == [meant]
