"""Exchanging the pepper of a workspace, audited; see `ingest.rotation`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd

from graph.access import Person
from graph.acts import Act, Subject
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
    detect and publish again. `clock` is naive UTC. Raises `AccessError` where
    decisions on identifiers are to be carried over and the person may not decide.
    """
    ledger, newest = Ledger.open(workspace), Pepper.load()
    if ledger.pepper.check() == newest.check():
        newest = pepper.add(pepper.new_secret())
    detail = {"rotations": newest.rotations}
    cases = Cases.open(workspace, newest.secret)
    try:
        for act in _carried_over(cases, clock, newest, ledger.pepper.rotations):
            cases.decide(act, person, clock)
        rotation.rotate(ledger, newest)
        cases.record(Entry(clock, person.name, "rotate", "pepper", detail), person)
    finally:
        cases.close()
    clear_derived(workspace)
    return newest.rotations


def _carried_over(
    cases: Cases, clock: datetime, newest: Pepper, since: int
) -> Iterator[Act]:
    """The standing decisions on identifiers, as acts on what those are called next.

    What an earlier try carried over already is left out.
    """
    standing = cases.approved(clock)
    mine = standing[standing["subject_type"] == "identifier"].to_dict("records")
    known = {str(row["subject_id"]) for row in mine}
    next_names = {name: _renamed(name, newest, since) for name in known}
    for row in mine:
        name = next_names[str(row["subject_id"])]
        if name in known or row["subject_id"] in next_names.values():
            continue
        yield Act(
            case_id=f"identifier:{name}",
            version=0,
            verdict=str(row["verdict"]),
            reason=str(row["reason"]),
            subjects=(Subject("identifier", name),),
            snapshot=str(row["snapshot"]),
            note=f"carried over from {row['decision_id']} by a rotation of the pepper",
            expires_at=_moment(row["expires_at"]),
        )


def _renamed(node: str, newest: Pepper, since: int) -> str:
    kind, _, name = node.partition(":")
    return f"{kind}:{newest.rotated(name, since)}"


def _moment(expires_at: Any) -> datetime | None:
    return None if pd.isna(expires_at) else pd.Timestamp(expires_at).to_pydatetime()
