"""Each page opens, says what is so, and acts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from graph.access import Person
from graph.cases import Cases
from graph.dossier import Dossier
from graph.dossier.clusters import cluster
from graph.dossier.picture import Steps, picture
from ingest.workspace import Workspace
from tests.graph.dossier.made import AS_OF, HOSTILE
from tests.views.conftest import APP, PEPPER, Open
from views import door
from views.cluster.case import Case
from views.cluster.leaflet import leaflet
from views.desk import Desk

VIEWER = '[local]\nname = "vic"\nroles = ["viewer"]\n'
PAGES = (
    "cluster",
    "search",
    "keys",
    "entity",
    "decisions",
    "exports",
    "policy",
    "health",
)


def said(test: AppTest) -> str:
    """Everything that the page says in words."""
    kinds = ("title", "subheader", "markdown", "caption", "text", "info", "warning")
    words = [str(one.value) for kind in kinds for one in getattr(test, kind)]
    return "\n".join([*words, *(f"{m.label}: {m.value}" for m in test.metric)])


def button(test: AppTest, label: str) -> object:
    return next(one for one in test.button if one.label.startswith(label))


def test_the_queue_shows_totals_rows_and_the_most_urgent(open_page: Open) -> None:
    test = open_page()
    assert not test.exception
    assert "Cases: 3" in said(test)
    assert "Burned: $15,700" in said(test)
    assert "Most urgent" in said(test)
    table = test.dataframe[0].value
    assert table["Case"].tolist() == ["c-giant", "k-leaked", "c-farm"]


def test_filters_of_the_queue_narrow_it(open_page: Open) -> None:
    test = open_page()
    test.selectbox(key="paying").select("with").run()
    assert test.dataframe[0].value["Case"].tolist() == ["c-farm"]
    test.selectbox(key="paying").select("").run()
    test.multiselect(key="case").select("tenant_drain").run()
    assert "Nothing waits" in said(test)


def test_assigning_marks_the_case(open_page: Open) -> None:
    test = open_page()
    test.button(key="assign").click().run()
    assert not test.exception
    assert test.dataframe[0].value["By"].tolist()[0] == "local"
    assert test.dataframe[0].value["Status"].tolist()[0] == "in review"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_a_query(open_page: Open, page: str) -> None:
    test = open_page(page)
    assert not test.exception
    assert test.title


def test_a_cluster_shows_money_members_and_its_graph(open_page: Open) -> None:
    test = open_page("cluster", cluster="c-farm")
    assert not test.exception
    words = said(test)
    for expected in ("Core: 50", "Bystander: 4", "Pay: 1", "Burned: $300"):
        assert expected in words
    assert "bidi_component" in str(test)


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("Members", "farm-00"),
        ("Shared", "dev-0"),
        ("Doubts", "household"),
        ("Map", "DE"),
        ("Related", "No other cluster"),
        ("Notes", "No notes"),
        ("History", "Nobody has touched"),
        ("Table", "group"),
    ],
)
def test_each_tab_of_a_cluster_answers(
    open_page: Open, tab: str, expected: str
) -> None:
    test = open_page("cluster", cluster="c-farm", **{"tab-c-farm": tab})
    test.session_state["tab-c-farm"] = tab
    test.run()
    assert not test.exception
    tables = "".join(frame.value.to_string() for frame in test.dataframe)
    assert expected in said(test) + tables


def test_a_cluster_that_is_gone_says_where_to_go(open_page: Open) -> None:
    test = open_page("cluster", cluster="c-gone")
    assert "gone" in said(test)
    assert button(test, "Go to the queue")


def test_a_giant_cluster_says_what_is_left_out(open_page: Open) -> None:
    test = open_page("cluster", cluster="c-giant")
    assert not test.exception
    assert "Core: 3,000" in said(test)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("account", "farm-00", "farm"),
        ("key", "k-leaked", "Replayed key"),
        ("device", "dev-0", "dev"),
        ("account", "nobody", "Not in this snapshot"),
        ("<script>", "<img src=x onerror=alert(1)>", "Not in this snapshot"),
    ],
)
def test_an_entity_shows_what_is_known(
    open_page: Open, kind: str, name: str, expected: str
) -> None:
    test = open_page("entity", type=kind, id=name)
    assert not test.exception
    assert expected in said(test)


def test_the_key_audit_says_what_to_revoke_first(open_page: Open) -> None:
    test = open_page("keys")
    assert not test.exception
    assert "Exposed, still alive: 1" in said(test)
    rows = test.dataframe[0].value
    assert rows["Key"].tolist() == ["k-leaked", "k-quiet"]
    assert rows["First thing to do"][0].startswith("Revoke it now")
    test.button_group(key="finding").select("unused").run()
    assert test.dataframe[0].value["Key"].tolist() == ["k-quiet"]


def test_the_policy_shows_what_a_threshold_stops_and_touches(open_page: Open) -> None:
    test = open_page("policy")
    assert not test.exception
    assert "Accounts: 3,050" in said(test)
    assert "Dollars stopped: $15,098" in said(test)
    test.select_slider(key="threshold").set_value(0.5).run()
    assert "Accounts: 3,059" in said(test)


class Login:
    """A login whose token ended a minute ago."""

    is_logged_in = True

    def to_dict(self) -> dict[str, object]:
        ended = datetime.now(UTC) - timedelta(minutes=1)
        return {"sub": "u1", "groups": ["fraud"], "exp": ended.timestamp()}


def test_an_expired_login_shows_nothing_and_says_to_sign_in(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "has_login", lambda: True)
    monkeypatch.setattr(st, "user", Login())
    test = open_page()
    assert not test.exception
    assert "Your login has expired" in said(test)
    assert [one.label for one in test.button] == ["Sign in"]
    assert not test.dataframe


def test_ticked_identifiers_show_who_would_come_loose(open_page: Open) -> None:
    test = open_page("cluster", cluster="c-farm")
    test.session_state["tab-c-farm"] = "Shared"
    test.session_state["shared-c-farm"] = {"selection": {"rows": [0], "columns": []}}
    test.run()
    assert not test.exception
    assert "come loose" in said(test) or "comes loose" in said(test)
    assert button(test, "Clear 1 identifier")


def test_a_cluster_tells_its_story_in_one_paragraph(open_page: Open) -> None:
    words = said(open_page("cluster", cluster="c-farm"))
    assert "60 accounts share devices and cards. They came within 1 h" in words
    assert "What links them: 12 devices, 6 cards." in words
    assert "In their favour: A family shares devices." in words


def test_search_finds_ids_and_values(open_page: Open) -> None:
    test = open_page("search")
    test.text_area(key="search-terms").set_value("farm-00, c-farm\nno-such-thing").run()
    assert not test.exception
    assert "2 hits for 3 terms, nothing for 1" in said(test)


def test_health_counts_what_was_refused_and_why(open_page: Open) -> None:
    test = open_page("health")
    assert "Lines in quarantine: 1" in said(test)
    assert "Newer events wait" in said(test)


def test_a_viewer_sees_and_can_do_nothing(open_page: Open) -> None:
    test = open_page("cluster", roles=VIEWER, cluster="c-farm")
    labels = {one.label for one in test.button}
    assert labels.isdisjoint({"Decide…", "Dismiss…", "Take"})
    assert "exports" not in str(test.session_state["pages"].keys())


@pytest.mark.usefixtures("_pepper")
def test_an_empty_workspace_says_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_WORKSPACE", str(Workspace.open(tmp_path).root))
    test = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not test.exception
    assert "ringfence ingest" in said(test)
    assert PEPPER not in str(test)


def test_with_the_database_down_the_console_says_so_and_the_queue_works(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:1")
    monkeypatch.setenv("NEO4J_PASSWORD", "nobody listens")
    test = open_page("console")
    assert not test.exception
    assert "does not answer" in said(test)
    assert "nobody listens" not in str(test)
    assert "Cases: 3" in said(open_page())


def test_the_console_asks_a_saved_question(open_page: Open) -> None:
    test = open_page("console")
    test.selectbox(key="query").select("device_hubs").run()
    test.button(key="run-saved").click().run()
    assert not test.exception
    assert "device\\_hubs: 0 rows" in said(test)


def test_free_cypher_is_off_where_nothing_vouches_for_it(open_page: Open) -> None:
    analyst = '[local]\nname = "ada"\nroles = ["analyst"]\n'
    test = open_page("console", roles=analyst)
    test.session_state["console"] = "Cypher"
    test.run()
    assert "off on the embedded database" in said(test)


def test_the_leaflet_of_a_cluster_is_offline_and_inert(made: Path) -> None:
    workspace = Workspace(made)
    dossier = Dossier.open(workspace)
    cases = Cases.open(workspace, PEPPER.encode())
    here = Desk(
        dossier, cases, Person("ana", frozenset({"investigator"})), lambda: AS_OF
    )
    found = cluster(dossier, "c-farm")
    assert found is not None
    found = replace(found, summary=HOSTILE)
    pictured = picture(dossier, "c-farm", Steps(expanded=(("device:dev-0", 9),)))
    html = leaflet(Case(here, found, "c-farm", "new", "", 0), pictured).decode()
    cases.close()
    assert "Content-Security-Policy" in html
    assert "<img src=x" not in html
    assert "farm-57" not in html
