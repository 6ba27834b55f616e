"""A workspace with the made snapshot and a small ledger, and the page on top of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.graph.dossier.made import AS_OF, HOSTILE, derive, tables

APP = Path(__file__).parents[2] / "app.py"
PEPPER = "a pepper for tests, long enough"

Open = Callable[..., AppTest]


def events() -> Iterator[dict[str, object]]:
    """The farm's sign-ups, keys, usage, a payment, a dispute; one hostile account."""
    for n in range(60):
        at = AS_OF - timedelta(days=9, minutes=n)
        name = f"farm-{n:02}"
        yield event(
            f"s{n}", "account.created", at, account_id=name, email=f"f{n}@x.test"
        )
        yield event(f"k{n}", "key.created", at, account_id=name, key_id=f"key-{n}")
        used = at + timedelta(hours=n + 1)
        spent = {"cost_usd": 1.25, "ip": "203.0.113.7"}
        yield event(f"u{n}", "usage.recorded", used, key_id=f"key-{n}", **spent)
    paid = {"amount_usd": 5.0, "charge_id": "ch-1", "status": "succeeded"}
    yield event("p1", "payment.charged", AS_OF, account_id="farm-00", **paid)
    yield event("d1", "payment.disputed", AS_OF, charge_id="ch-1")
    yield event("h1", "account.created", AS_OF, account_id=HOSTILE, email="h@x.test")
    yield {"event_id": "bad", "type": "no.such.type", "occurred_at": HOSTILE}


def event(name: str, kind: str, at: datetime, **more: object) -> dict[str, object]:
    return {
        "event_id": name,
        "type": kind,
        "occurred_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    } | more


@pytest.fixture(scope="session")
def _pepper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGFENCE_PEPPER", PEPPER)
        yield


@pytest.fixture(scope="session")
def made(_pepper: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace that tests copy or only read."""
    folder = tmp_path_factory.mktemp("page")
    workspace = Workspace.open(folder / "workspace")
    derive(workspace, tables())
    file = folder / "events.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in events()))
    Ledger.open(workspace).ingest([file])
    return workspace.root


@pytest.fixture
def open_page(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens the page as a browser would: by path, with query parameters.

    Each test has its own case file; `roles` says who is there.
    """
    cases = made / "cases.sqlite"
    for leftover in made.glob("cases.sqlite*"):
        leftover.unlink()
    (made / "audit.anchor").unlink(missing_ok=True)
    monkeypatch.setenv("RINGFENCE_WORKSPACE", str(made))

    def opened(page: str = "", roles: str = "", **query: str) -> AppTest:
        if roles:
            file = cases.with_name("roles-test.toml")
            file.write_text(roles)
            monkeypatch.setenv("RINGFENCE_ROLES", str(file))
        test = AppTest.from_file(str(APP), default_timeout=30)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        if page:
            # AppTest switches between files only; this names a page by its address.
            test._page_hash = calc_hash(page)
            test.run()
        return test

    yield opened
    st.cache_resource.clear()
    st.cache_data.clear()
