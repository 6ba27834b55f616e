"""Exchanging the pepper of a workspace, audited; see `ingest.rotation`."""

from __future__ import annotations

from datetime import datetime

from graph.access import Person
from graph.audit import Entry
from graph.cases import Cases
from graph.forget import clear_derived
from ingest import pepper, rotation
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.workspace import Workspace


def rotate(workspace: Workspace, person: Person, clock: datetime) -> int:
    """Bring the ledger to the newest pepper; gives how often it was exchanged.

    A new one is drawn unless the ledger is behind the pepper file, be it that another
    workspace was rotated or that a rotation broke off. Nothing is derived afterwards:
    detect and publish again. `clock` is naive UTC.
    """
    ledger, newest = Ledger.open(workspace), Pepper.load()
    if ledger.pepper.check() == newest.check():
        newest = pepper.add(pepper.new_secret())
    rotation.rotate(ledger, newest)
    detail = {"rotations": newest.rotations}
    cases = Cases.open(workspace, newest.secret)
    try:
        cases.record(Entry(clock, person.name, "rotate", "pepper", detail), person)
    finally:
        cases.close()
    clear_derived(workspace)
    return newest.rotations
