"""Whether what was derived, published and decided is what was written."""

from __future__ import annotations

import os
from collections.abc import Iterator

import sqlalchemy as sa

from graph import case_records
from graph.audit import Fault
from graph.cases import Cases
from graph.derived import Snapshot
from graph.publish import graph_hash, note, stage, staged_hash
from graph.store import Store
from ingest import checksums
from ingest.errors import LedgerError, RingfenceError
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.progress import Progress, Report, silent
from ingest.soundness import Finding
from ingest.workspace import Workspace

_MEND = "restore the case file from a backup"


def check_derived(
    workspace: Workspace, progress: Progress = silent
) -> Iterator[Finding]:
    """Hold the current snapshot against its checksums, and say what it rests on."""
    progress(Report("checking the derived tables"))
    yield _derived(workspace)


def _derived(workspace: Workspace) -> Finding:
    if not (workspace.derived / "current.json").exists():
        return Finding("derived", True, "empty: nothing was detected yet")
    try:
        snapshot = Snapshot.current(workspace)
    except (LedgerError, ValueError, KeyError, TypeError):
        text = f"{workspace.derived / 'current.json'} is damaged"
        return Finding("derived", False, f"{text}: run `ringfence detect`")
    wrong = list(checksums.damaged(snapshot.folder))
    if wrong:
        text = f"{', '.join(wrong)} of {snapshot.folder} is not what was written"
        return Finding("derived", False, f"{text}: run `ringfence detect`")
    text = f"snapshot {snapshot.folder.name}, as it was written"
    try:
        newest = Ledger.open(workspace).fingerprint
    except RingfenceError:
        return Finding("derived", True, f"{text}; the ledger can't be compared")
    rests = "on all events" if newest == snapshot.ledger else "on an earlier ledger"
    return Finding("derived", True, f"{text}; it rests {rests}")


def check_graph(workspace: Workspace, progress: Progress = silent) -> Iterator[Finding]:
    """Hold every node and relationship against what was published last."""
    yield _graph(workspace, progress)


def _graph(workspace: Workspace, progress: Progress) -> Finding:
    if not os.environ.get("NEO4J_URI") and not (workspace.database / "files").exists():
        return Finding("graph", True, "empty: nothing was published yet")
    try:
        with Store.open(workspace) as store:
            return check_published(workspace, store, progress)
    except RingfenceError as error:
        return Finding("graph", False, f"not checked: {error}")


def check_published(
    workspace: Workspace, store: Store, progress: Progress = silent
) -> Finding:
    """The same of an open store, which may be a server that others use too."""
    known = note.read(store)
    if known is None:
        return Finding("graph", True, "empty: nothing was published yet")
    if not known.done:
        text = "the last publishing broke off: run `ringfence publish`"
        return Finding("graph", False, text)
    staged = stage.at(workspace, known.digest)
    if staged is None:
        text = "another workspace's or an older graph: run `ringfence publish`"
        return Finding("graph", False, text)
    if graph_hash(store, progress) != staged_hash(staged):
        text = "the graph is not what was published: run `ringfence publish --full`"
        return Finding("graph", False, text)
    return Finding("graph", True, f"as it was published ({store.engine})")


def check_cases(workspace: Workspace, progress: Progress = silent) -> Iterator[Finding]:
    """Walk the audit chain, and hold every decision against it."""
    progress(Report("checking the cases"))
    if not os.environ.get("RINGFENCE_CASES_URL") and not workspace.cases.exists():
        yield Finding("cases", True, "empty: nobody decided anything yet")
        return
    try:
        entries, faults = _audited(workspace)
    except (RingfenceError, sa.exc.SQLAlchemyError) as error:
        text = f"the case file can't be read ({str(error).splitlines()[0]})"
        yield Finding("cases", False, f"{text}: {_MEND}")
        return
    for fault in faults:
        text = f"audit entry {fault.seq}: {fault.what}"
        yield Finding("cases", False, f"{text}: {_MEND}")
    if not faults:
        yield Finding("cases", True, f"{entries:,} audit entries, the chain holds")


def _audited(workspace: Workspace) -> tuple[int, list[Fault]]:
    cases = Cases.open(workspace, Pepper.load().secret)
    try:
        with cases.reading() as connection:
            entries = case_records.entries(connection)
        return entries, cases.verify()
    finally:
        cases.close()
