"""A disk that fails in the middle leaves the ledger as it was; the next run works."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import date

import pytest

from ingest.erasure import forget
from ingest.ledger import Ledger
from ingest.soundness import check_ledger
from tests.ingest.conftest import Take
from tests.ingest.examples import BODIES, Event, event

Work = Callable[[Ledger, Take], object]


def _events(start: int) -> list[Event]:
    return [event(name, start + at) for at, name in enumerate(sorted(BODIES))]


def _more(_: Ledger, take: Take) -> object:
    return take(_events(100), "more.ndjson")


def _forget(ledger: Ledger, _: Take) -> object:
    return forget(ledger, "a1", date(2999, 1, 1), lambda _: None)


@pytest.mark.parametrize("work", [_more, _forget])
@pytest.mark.parametrize(
    ("fault", "place"), [(errno.ENOSPC, "segment"), (errno.EIO, "manifest")]
)
def test_a_disk_fault_changes_nothing(
    fault: int,
    work: Work,
    place: str,
    ledger: Ledger,
    take: Take,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take(_events(0))
    mark, manifest = ledger.fingerprint, ledger.manifest

    def fail(*_: object, **__: object) -> None:
        raise OSError(fault, os.strerror(fault), "/a/full/disk")

    with monkeypatch.context() as broken:
        if place == "segment":
            broken.setattr("ingest.staging.pq.write_table", fail)
        else:
            broken.setattr("ingest.manifest._sync_folder", fail)
        with pytest.raises(OSError, match=os.strerror(fault)):
            work(ledger, take)
    assert (ledger.fingerprint, ledger.manifest) == (mark, manifest)
    assert [one.sound for one in check_ledger(ledger.workspace)] == [True]
    work(ledger, take)
    assert ledger.fingerprint != mark
    assert [one.sound for one in check_ledger(ledger.workspace)] == [True]
