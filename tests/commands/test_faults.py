"""What the disk and the libraries report is one line; a bug keeps its traceback."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa

import ringfence
from commands.faults import explain
from ingest.errors import BusyError

TOLD = (
    (BusyError("busy: wait"), "busy: wait"),
    (OSError(errno.ENOSPC, "No space left on device", "/x"), "free some space"),
    (OSError(errno.EROFS, "Read-only file system", "/x"), "writable"),
    (PermissionError(errno.EACCES, "Permission denied", "/x"), "chmod"),
    (OSError(errno.EIO, "Input/output error", "/x"), "disk is failing"),
    (MemoryError(), "RINGFENCE_MEMORY"),
    (duckdb.IOException("IO Error: can't write\nmore"), "IO Error: can't write: free"),
    (
        duckdb.OutOfMemoryException("Out of Memory Error: 2 GB"),
        "raise RINGFENCE_MEMORY",
    ),
    (pa.ArrowInvalid("Parquet magic bytes not found"), "ringfence check"),
    (sa.exc.OperationalError("UPDATE", {}, OSError("disk full")), "case file"),
)
BUGS = (KeyError("x"), duckdb.BinderException("no column"), ValueError("y"))


@pytest.mark.parametrize(("error", "said"), TOLD)
def test_a_fault_is_one_line_with_its_fix(error: Exception, said: str) -> None:
    line = explain(error)
    assert line is not None
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize("error", BUGS)
def test_a_bug_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None


def test_a_folder_that_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: object, *_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "layout.json").write_text('{"version": 2}')
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(
        "sys.argv", ["ringfence", "--workspace", str(tmp_path), "ingest", str(tmp_path)]
    )
    monkeypatch.setenv("RINGFENCE_PEPPER", "a pepper for the tests of the ledger")
    with pytest.raises(SystemExit) as ended:
        ringfence.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Permission denied; make it yours" in said
