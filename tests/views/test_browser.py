"""The whole way of an investigator in a real browser; hostile names everywhere."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from graph import embedded
from graph.access import Person
from graph.acts import Act, Subject
from graph.cases import Cases
from graph.derived import Snapshot
from graph.publish import publish
from graph.store import Address, Store
from ingest.workspace import Workspace
from tests.graph.dossier.made import AS_OF, derive, tables
from tests.views.browser import (
    CHROMIUM,
    FIND,
    PATIENCE,
    Watched,
    chromium,
    server,
    watch,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine"),
]

ANA = '[local]\nname = "ana"\nroles = ["investigator"]\n'
BEN = '[local]\nname = "ben"\nroles = ["approver"]\n'
PAYLOADS = Path(__file__).with_name("payloads.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "w", ignore=shutil.ignore_patterns("cases*"))
    (tmp_path / "w" / "audit.anchor").unlink(missing_ok=True)
    return tmp_path / "w"


@pytest.fixture
def seen(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield watch(context.new_page())
    context.close()


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def database(
    request: pytest.FixtureRequest, workspace: Path, quick_java: None
) -> Iterator[Mapping[str, str]]:
    """The made graph published to each database; what in the environment names it."""
    opened = Workspace.open(workspace)
    address: Address | None = None
    named = {"NEO4J_URI": ""}
    if request.param == "neo4j":
        address = request.getfixturevalue("neo4j_address")
        named = {"NEO4J_URI": address.uri, "NEO4J_PASSWORD": str(address.password)}
    with Store(opened, address) as store:
        store.run("MATCH (n) DETACH DELETE n", write=True)
        publish(opened, Snapshot.current(opened), store)
    yield named
    embedded.stop(opened)


def test_from_the_queue_to_a_ban_and_back(
    workspace: Path, seen: Watched, database: Mapping[str, str]
) -> None:
    with (
        server(workspace, ANA, database) as ana,
        server(workspace, BEN, database) as ben,
    ):
        seen.open(f"{ana}/?paying=with")
        seen.press_key("open")
        understand(seen)
        ask(seen, ana)
        seen.open(f"{ana}/cluster?cluster=c-farm")
        propose(seen)
        approve(seen, ben)
        assert len(exported(seen, ben)) == 56
        undo(seen, ana)
        seen.open(f"{ben}/exports")
        seen.says("0 approved decisions would leave")
    assert seen.outside == []
    assert seen.dialogs == []
    assert seen.errors == []


def understand(seen: Watched) -> None:
    """Expand in place, ask why, keep still over a reload."""
    before = seen.graph()
    seen.page.get_by_test_id("stVegaLiteChart").first.wait_for(timeout=PATIENCE)
    seen.page.mouse.dblclick(*seen.middle_of('node[type="card"]'))
    after = seen.grown(len(before))
    seen.settle()
    assert {name: after[name] for name in before if name in after} == {
        name: place for name, place in before.items() if name in after
    }
    seen.page.mouse.click(*seen.middle_of("edge[?links]"))
    seen.says("Why linked")
    seen.says("links them")
    seen.page.reload()
    seen.settle()
    assert seen.graph() == after


def ask(seen: Watched, ana: str) -> None:
    """A saved question to the graph database: which accounts are on the card."""
    seen.open(f"{ana}/console?query=accounts_on_card")
    box = seen.page.get_by_role("textbox", name="card")
    box.fill("card-1")
    box.press("Enter")
    seen.settle()
    seen.press_key("run-saved")
    seen.says("accounts_on_card: 10 rows")


def propose(seen: Watched) -> None:
    """Ban core and likely members: 56, so a second person is needed."""
    seen.press_key("decide")
    seen.page.get_by_role("radio", name="ban core and likely").click()
    seen.settle()
    seen.says("a second person has to")
    propose_button = seen.page.get_by_role("button", name="Propose")
    assert propose_button.is_disabled()
    box = seen.page.get_by_label("Type the cluster's id")
    box.fill("c-farm")
    box.press("Enter")
    seen.settle()
    seen.press("Propose")
    seen.says("proposal waits for a second person")


def approve(seen: Watched, ben: str) -> None:
    """The approver sees it, and agrees."""
    seen.open(f"{ben}/decisions")
    seen.says("proposes to")
    seen.press("Approve")
    seen.page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    seen.settle()
    seen.says("No proposal waits")


def exported(seen: Watched, ben: str) -> list[str]:
    """The subjects of the ban list; its rollback and manifest are there too."""
    seen.open(f"{ben}/exports")
    seen.says("56 approved decisions would leave")
    seen.press("Make the files")
    with seen.page.expect_download(timeout=PATIENCE) as download:
        seen.page.get_by_role("button", name="Download with rollback").click()
    packed = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    names = packed.namelist()
    assert any("rollback" in name for name in names)
    assert any("manifest" in name for name in names)
    lines = packed.read("ringfence-csv.csv").decode().splitlines()
    return [line for line in lines[1:] if "farm-" in line]


def undo(seen: Watched, ana: str) -> None:
    """Tick one decision, take the whole act back."""
    seen.open(f"{ana}/decisions")
    table = seen.page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    assert box is not None
    seen.page.mouse.click(box["x"] + 16, box["y"] + 36 + 15)
    seen.settle()
    seen.press("Undo all 56")
    seen.page.get_by_label("Why?").fill("appeal upheld")
    seen.page.get_by_label("Why?").press("Enter")
    seen.settle()
    seen.page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    seen.settle()
    seen.says("56 decisions undone")


@pytest.fixture
def hostile(_pepper: None, tmp_path: Path) -> Path:
    """A workspace in which every text is a payload."""
    assert len(PAYLOADS) >= 60
    given = dict(tables())
    accounts = given["accounts"].copy()
    names = {f"farm-{n:02}": payload for n, payload in enumerate(PAYLOADS[:60])}
    accounts["account_id"] = accounts["account_id"].map(
        lambda name: names.get(name, name)
    )
    accounts["plan"] = accounts["account_id"]
    observations = given["observations"].copy()
    observations["account_id"] = observations["account_id"].map(
        lambda name: names.get(name, name)
    )
    identifiers = given["identifiers"].copy()
    looped = [PAYLOADS[n % len(PAYLOADS)] for n in range(len(identifiers))]
    identifiers["masked"], identifiers["class"] = looped, looped
    clusters = given["clusters"].copy()
    clusters["summary"] = " ".join(PAYLOADS)
    clusters["typology"] = PAYLOADS[0]
    reasons = given["reasons"].copy()
    reasons["sentence"] = PAYLOADS[: len(reasons)]
    workspace = Workspace.open(tmp_path / "hostile")
    changed = {
        "accounts": accounts,
        "observations": observations,
        "identifiers": identifiers,
        "clusters": clusters,
        "reasons": reasons,
    }
    derive(workspace, given | changed)
    _talk(workspace)
    return workspace.root


def _talk(workspace: Workspace) -> None:
    """Notes and decisions of the same kind."""
    cases = Cases.open(workspace, b"a pepper for tests, long enough")
    person = Person("<img src=x onerror=alert(1)>", frozenset({"investigator"}))
    for payload in PAYLOADS:
        cases.note("c-farm", payload, person, AS_OF)
    subjects = tuple(Subject("account", payload, True) for payload in PAYLOADS)
    act = Act("c-farm", 0, "ban", "other", subjects, "s", note=" ".join(PAYLOADS))
    cases.decide(act, person, AS_OF)
    cases.close()


def test_a_brush_on_the_timeline_narrows_graph_and_members(
    workspace: Path, seen: Watched
) -> None:
    accounts = tables()["accounts"].copy()
    late = accounts["account_id"].between("farm-00", "farm-29")
    accounts.loc[late, "first_seen"] = AS_OF - timedelta(days=1)
    derive(Workspace.open(workspace), dict(tables()) | {"accounts": accounts})
    with server(workspace, ANA) as address:
        seen.open(f"{address}/cluster?cluster=c-farm")
        seen.graph()
        chart = seen.page.get_by_test_id("stVegaLiteChart").first
        chart.wait_for(timeout=PATIENCE)
        seen.settle()
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        # Somewhere in the hour of the sign-ups, days before half of the members came.
        seen.page.mouse.move(box["x"] + 0.7 * box["width"], middle)
        seen.page.mouse.down()
        seen.page.mouse.move(box["x"] + 0.95 * box["width"], middle, steps=12)
        seen.page.mouse.up()
        seen.says("Graph and members narrowed to")
        seen.page.wait_for_function(
            f"() => ({FIND})().ringfence.cy.$('.dim').length > 0", timeout=PATIENCE
        )
        seen.page.get_by_role("tab", name="Members").click()
        seen.settle()
        seen.page.get_by_role("button", name="CSV of 30 members").wait_for()
        seen.press("Whole time")
        seen.page.get_by_role("button", name="CSV of 60 members").wait_for()
        seen.page.wait_for_function(
            f"() => ({FIND})().ringfence.cy.$('.dim').length === 0", timeout=PATIENCE
        )
    assert seen.errors == []


def test_no_payload_fires_on_any_page(hostile: Path, seen: Watched) -> None:
    tabs = ["Members", "Shared", "Doubts", "Map", "Notes", "History", "Table"]
    with server(hostile, BEN) as address:
        for place in (
            "",
            "decisions",
            "exports",
            "keys",
            "policy",
            "health",
            "entity?type=device&id=dev-0",
        ):
            seen.open(f"{address}/{place}")
        seen.open(f"{address}/cluster?cluster=c-farm")
        seen.graph()
        for selector in ('node[type="account"]', 'node[type="card"]', "edge[?links]"):
            seen.page.mouse.click(*seen.middle_of(selector))
            seen.settle()
        for tab in tabs:
            seen.page.get_by_role("tab", name=tab).click()
            seen.settle()
        seen.open(f"{address}/search")
        seen.page.get_by_label("Anything").fill("\n".join(PAYLOADS))
        seen.page.keyboard.press("Control+Enter")
        seen.settle()
    assert seen.dialogs == []
    assert seen.outside == []
    assert seen.page.evaluate("() => window.fired") is None


def test_hostile_queries_in_the_address_fire_nothing(
    workspace: Path, seen: Watched
) -> None:
    with server(workspace) as address:
        for payload in PAYLOADS[:6]:
            for place in ("cluster?cluster=", "entity?type=account&id=", "search?q="):
                seen.page.goto(f"{address}/{place}{_quoted(payload)}")
                seen.settle()
    assert seen.dialogs == []
    assert seen.outside == []


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def test_tables_leave_by_our_own_buttons_alone(workspace: Path, seen: Watched) -> None:
    with server(workspace, ANA) as address:
        seen.open(address)
        untouched(seen)
        with seen.page.expect_download(timeout=PATIENCE) as download:
            seen.page.locator(".st-key-csv button").click()
        assert "c-giant" in download.value.path().read_text()
        seen.open(f"{address}/cluster?cluster=c-farm")
        seen.page.get_by_role("tab", name="Members").click()
        seen.settle()
        untouched(seen)
        with seen.page.expect_download(timeout=PATIENCE) as download:
            seen.page.get_by_role("button", name="CSV of 60 members").click()
        assert "farm-00,core," in download.value.path().read_text()
        seen.press_key("decide")
        untouched(seen, within="stDialog")


def untouched(seen: Watched, within: str = "stMain") -> None:
    """A table's toolbar is there, without Streamlit's own download."""
    part = seen.page.get_by_test_id(within)
    part.get_by_test_id("stDataFrame").first.hover()
    part.get_by_role("button", name="Search").first.wait_for(timeout=PATIENCE)
    assert part.get_by_role("button", name="Download as CSV").count() == 0
