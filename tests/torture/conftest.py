"""What the torture tests share: one pepper, and commands run in children."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

PEPPER = "a pepper for the tests of the ledger"


@pytest.fixture(scope="session", autouse=True)
def pepper_of_tests() -> Iterator[None]:
    """The same pepper here and in every child, and the user's out of reach."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGFENCE_PEPPER", PEPPER)
        patch.setenv("RINGFENCE_THREADS", "2")
        yield
