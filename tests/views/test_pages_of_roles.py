"""Every page for every role: what is not given is neither listed nor opened."""

from __future__ import annotations

import pytest

from tests.views.conftest import Open

_ALL = ("viewer", "investigator", "approver", "analyst", "admin")
_PAGES: dict[str, tuple[str, ...]] = {
    "queue": _ALL,
    "cluster": _ALL,
    "search": _ALL,
    "keys": _ALL,
    "entity": _ALL,
    "decisions": _ALL,
    "exports": ("investigator", "approver"),
    "policy": _ALL,
    "health": _ALL,
    "console": ("investigator", "approver", "analyst", "admin"),
}


@pytest.mark.parametrize("role", _ALL)
def test_each_page_for_each_role(open_page: Open, role: str) -> None:
    roles = f'[local]\nname = "vic"\nroles = ["{role}"]\n'
    test = open_page(roles=roles)
    given = set(test.session_state["pages"])
    assert given == {page for page, may in _PAGES.items() if role in may}
    for page in set(_PAGES) - given:
        refused = open_page(page, roles=roles)
        assert not refused.exception
        assert page.title() not in [one.value for one in refused.title]
