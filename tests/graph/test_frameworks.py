"""Framework ids: always with their year, one data file, one docs page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graph.frameworks import controls, document
from graph.summary import CASES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("typology", CASES)
def test_every_case_has_ids_that_carry_their_year(typology: str) -> None:
    ids = controls()[typology]
    assert len(ids) >= 5
    assert all(re.search(r"20(1|2)\d", control) for control in ids)


def test_the_docs_page_is_made_from_the_data_file() -> None:
    page = ROOT / "docs" / "frameworks.md"
    assert page.read_text(encoding="utf-8") == document()
