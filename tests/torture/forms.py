"""The two forms of a test: so many cases in CI, so many under `make torture`."""

from __future__ import annotations

import pytest


def forms(short: int, long: int) -> pytest.MarkDecorator:
    """Gives a test its number of `cases`, once for each form."""
    longer = pytest.param(long, marks=pytest.mark.torture)
    return pytest.mark.parametrize("cases", [short, longer], ids=str)
