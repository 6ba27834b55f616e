"""Forgetting: somebody leaves the ledger, the case file, exports and all derived.

What is kept is named in `docs/operations.md`: a tombstone of keyed hashes with its
expiry, and the audit chain, whose entries lose their subject and still verify.
"""

from __future__ import annotations

import gzip
import mmap
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from graph import embedded, neo4j_local
from graph.access import Person
from graph.case_writing import TOMBSTONE
from graph.cases import Cases
from graph.observations import latest_credible_time
from ingest import erasure
from ingest.erasure import Erased, Somebody
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.workspace import Workspace

# Where other files of a workspace lie; everything else is searched for names.
_OWN = frozenset(
    {
        "audit.anchor", "cases.sqlite", "cases.sqlite-shm", "cases.sqlite-wal",
        "database", "derived", "layout.json", "ledger", "locks", "neo4j", "reference",
        "roles.toml",
    }
)  # fmt: skip
_TELLING = 6
_LASTING = frozenset({"password", "server.lock", "users.lock"})

Pattern = re.Pattern[bytes]


@dataclass(frozen=True)
class Forgot:
    """What went: of the ledger, of the case file, and files that named the person."""

    erased: Erased
    case_rows: int
    files: tuple[Path, ...]


def forget(
    workspace: Workspace,
    account_id: str,
    expires: date,
    person: Person,
    clock: datetime,
) -> Forgot:
    """Erase an account everywhere in the workspace; audited as `person`'s deed.

    Nothing is derived afterwards: detect and publish again. `clock` is naive UTC.
    Until the tombstone expires, events of the account are refused.
    """
    ledger = Ledger.open(workspace)
    cases = Cases.open(workspace, Pepper.load().secret)
    files: list[Path] = []
    rows = 0

    def elsewhere(somebody: Somebody) -> None:
        nonlocal rows
        mark = TOMBSTONE + ledger.pepper.keyed("tombstone", account_id)
        # Anything shorter stands in other people's texts by chance.
        values = (text for text in somebody.values if len(text) >= _TELLING)
        also = (*somebody.accounts, *somebody.owned, *values)
        rows = cases.erase(account_id, mark, person, clock, also)
        files.extend(_remove_naming(workspace, also))

    try:
        erased = erasure.forget(ledger, account_id, expires, elsewhere)
    finally:
        cases.close()
    clear_derived(workspace)
    return Forgot(erased, rows, tuple(files))


def retain(workspace: Workspace, days: int, clock: datetime) -> Erased:
    """Erase events more than `days` older than the newest, or than the clock.

    The earlier of the two counts: a clock that jumps ahead erases nothing more, and
    the newest is a time that several accounts share, so one forged date does neither.
    """
    ledger = Ledger.open(workspace)
    with ledger.connect() as connection:
        newest = latest_credible_time(connection)
    if newest is None:
        return Erased(0, 0)
    erased = erasure.retain(ledger, min(newest, clock) - timedelta(days=days))
    if erased.events:
        clear_derived(workspace)
    return erased


def clear_derived(workspace: Workspace) -> None:
    """Throw away snapshots, staged rows and the databases that lie in the workspace.

    All of it is made again by detecting and publishing. A deleted record would leave
    its bytes in a database's files; so they go whole.
    """
    with workspace.lock("publish", wait_seconds=60), workspace.lock("embedded", 60):
        embedded.stop(workspace)
        neo4j_local.stop(workspace)
        for path in (workspace.derived, workspace.root / "neo4j"):
            _remove(path)
        for path in workspace.database.glob("*"):
            if path.name not in _LASTING:
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_naming(workspace: Workspace, texts: Sequence[str]) -> Iterator[Path]:
    """Remove exports, deliveries and other files that hold one of the texts."""
    words = b"|".join(re.escape(text.encode()) for text in texts if text)
    pattern = re.compile(rb"(?<![A-Za-z0-9_\-])(?:" + words + rb")(?![A-Za-z0-9_\-])")
    for top in sorted(workspace.root.iterdir()):
        if top.name in _OWN:
            continue
        for path in sorted([top, *top.rglob("*")]):
            if path.is_file() and not path.is_symlink() and _holds(path, pattern):
                path.unlink()
                yield path


def _holds(path: Path, pattern: Pattern) -> bool:
    if pattern.search(path.name.encode()):
        return True
    if path.suffix == ".parquet":
        return any(pattern.search(text) for text in _texts(path))
    if path.suffix == ".gz":
        return pattern.search(gzip.decompress(path.read_bytes())) is not None
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(pattern.search(archive.read(n)) for n in archive.namelist())
    if not path.stat().st_size:
        return False
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole,
    ):
        return pattern.search(whole) is not None


def _texts(path: Path) -> Iterator[bytes]:
    for column in pq.read_table(path).columns:
        if pa.types.is_string(column.type):
            for text in column.unique().drop_null().to_pylist():
                yield text.encode()
