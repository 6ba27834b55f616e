"""Who comes in, what is refused, and how text and bundle are kept safe."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pandas as pd
import pytest

from graph.access import Person, Right, RoleBook
from graph.dossier.picture import Picture
from ingest.errors import UsageError
from views import linkgraph
from views.door import has_expired, is_loopback, refuse_open_door, who
from views.linkgraph import View, payload
from views.shell import workspace_path
from views.trail import Trail
from views.words import ago, likely, plain, usd

EVERYWHERE = str(IPv4Address(0))
NOW = datetime(2026, 5, 1, tzinfo=UTC)
LINKGRAPH = Path(linkgraph.__file__).parent


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_the_loopback_needs_no_login(address: str) -> None:
    assert is_loopback(address)
    refuse_open_door(address, has_login=False)


@pytest.mark.parametrize(
    "address", [None, "", EVERYWHERE, "::", "10.0.0.5", "evil.test"]
)
def test_beyond_the_loopback_only_with_a_login(address: str | None) -> None:
    with pytest.raises(UsageError, match="without a login"):
        refuse_open_door(address, has_login=False)
    refuse_open_door(address, has_login=True)


@pytest.mark.parametrize("end", [None, "soon", 0, NOW.timestamp(), True])
def test_a_login_without_a_future_end_has_expired(end: object) -> None:
    assert has_expired({"exp": end}, NOW)
    assert not has_expired({"exp": NOW.timestamp() + 1}, NOW)


def test_a_login_brings_the_roles_of_its_groups_alone() -> None:
    book = RoleBook(groups={"fraud": frozenset({"approver"})})
    claims = {"sub": "u1", "email": "a@x.test", "groups": ["fraud", "root"]}
    assert who(claims, book) == Person("u1", frozenset({"approver"}))
    assert who(claims | {"email_verified": True}, book).name == "a@x.test"
    assert not who(claims | {"groups": "fraud"}, book).may(Right.SEE)
    with pytest.raises(ValueError, match="name"):
        who({"groups": ["fraud"]}, book)


def test_the_workspace_is_named_by_call_then_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RINGFENCE_WORKSPACE", "/from/environment")
    assert workspace_path(["--workspace", "/named"]) == Path("/named")
    assert workspace_path([]) == Path("/from/environment")


def test_words_say_no_more_than_is_known() -> None:
    assert (usd(0.5), usd(1234.5), usd(float("nan"))) == ("$0.50", "$1,234", "unknown")
    assert (likely(0.9999), likely(0.5), likely(0.001)) == (
        "over 99 %",
        "50%",
        "under 1 %",
    )
    day_ago = datetime.fromisoformat("2026-04-30")
    assert ago(day_ago, datetime.fromisoformat("2026-05-02")) == "2 d"


@pytest.mark.parametrize(
    "text", ["[x](javascript:1)", "![x](http://e)", ":red[x]", "$x$"]
)
def test_marks_of_data_are_only_shown(text: str) -> None:
    escaped = plain(text)
    assert all(escaped[n - 1] == "\\" for n, c in enumerate(escaped) if c in "[]():!$")
    assert "\u202e" not in plain("a\u202eb\nc")


def test_the_graph_gets_plain_values_only() -> None:
    nodes = pd.DataFrame([{"id": "account:a", "type": "account", "rank": 1.0}])
    made = payload(View("c", Picture(nodes, pd.DataFrame(), 1, 0), Trail()))
    assert made["nodes"] == [{"id": "account:a", "type": "account", "group": ""}]
    assert made["notice"] == ""


def test_the_committed_bundle_is_of_these_sources() -> None:
    lines = (LINKGRAPH / "frontend" / "SOURCES.sha256").read_text().splitlines()
    made = {path: digest for digest, path in (line.split("  ") for line in lines)}
    sources = [p for p in (LINKGRAPH / "source").iterdir() if ".test." not in p.name]
    expected = {f"source/{path.name}" for path in sources} | {"package-lock.json"}
    assert set(made) == expected
    for name, digest in made.items():
        assert hashlib.sha256((LINKGRAPH / name).read_bytes()).hexdigest() == digest


def test_every_bundled_library_has_its_licence() -> None:
    text = (LINKGRAPH / "frontend" / "LICENSES.txt").read_text()
    for name in ("cytoscape", "cytoscape-fcose", "cytoscape-dagre", "cose-base"):
        assert f"{name} " in text
    assert text.count("(MIT)") == 5
