"""Evidence and refund packs: whole, offline, inert, without bystanders."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from graph.exports.package import ExportError
from graph.exports.standalone import NODE_LIMIT, Node, Page, Table, render
from tests.graph.exports.world import READABLE, Desk, account, decided, world

XSS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "{{7*7}}",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "<!--",
    "\u2028alert(1)",
)


def bundle(desk: Desk, **more: Any) -> Mapping[str, bytes]:
    folder = desk.export("evidence", "pack", **more)[0]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def table(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def test_the_bundle_holds_members_identifiers_reasons_and_doubts(
    tmp_path: Path,
) -> None:
    pack = bundle(Desk.at(tmp_path))
    members = table(pack["c1/members.csv"])
    assert [row["account_id"] for row in members] == ["acct-1", "acct-2"]
    assert {row["decision_id"] for row in members} == {"d-1", "d-2"}
    found = table(pack["c1/identifiers.csv"])
    shared = {(row["kind"], row["identifier"]) for row in found}
    assert shared == {("device", "dev-1"), ("card", "card-farm")}
    assert table(pack["c1/reasons.csv"])[0]["code"] == "trial_drained"
    assert table(pack["c1/hypotheses.csv"])[0]["hypothesis"] == "household"
    summary = json.loads(pack["c1/cluster.json"])
    assert summary["bystanders_left_out"] == 1
    assert summary["snapshot"].startswith("20260502T120000")


def test_bystanders_and_readable_values_are_not_in_it(tmp_path: Path) -> None:
    pack = bundle(Desk.at(tmp_path))
    whole = b"".join(body for name, body in pack.items() if name != "SHA256SUMS")
    for hidden in ("acct-3", "honest", *READABLE.values()):
        assert hidden.encode() not in whole


def test_the_sums_are_right(tmp_path: Path) -> None:
    pack = bundle(Desk.at(tmp_path))
    lines = pack["SHA256SUMS"].decode().splitlines()
    assert {line[66:]: line[:64] for line in lines} == {
        name: hashlib.sha256(body).hexdigest()
        for name, body in pack.items()
        if name != "SHA256SUMS"
    }


def test_a_zip_holds_the_same(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    pack = bundle(desk)
    with zipfile.ZipFile(desk.export("evidence", "pack.zip")[0]) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == pack


def test_one_cluster_can_be_named(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    assert "c1/index.html" in bundle(desk, subject="c1")
    with pytest.raises(ExportError, match="c2"):
        bundle(desk, subject="c2")


def test_a_decision_on_a_bystander_opens_no_bundle(tmp_path: Path) -> None:
    frame = decided(("account", "acct-3", "hold"))
    with pytest.raises(ExportError, match="no approved decision"):
        bundle(Desk.at(tmp_path), decisions=frame)


@pytest.mark.parametrize("cluster", ["../../etc", "a/b", "..", "", "x" * 300, "con\n"])
def test_a_clusters_name_never_leads_out_of_the_folder(
    tmp_path: Path, cluster: str
) -> None:
    rows = world()
    rows["accounts"] = [account("acct-1", cluster or "c", "core")]
    pack = bundle(
        Desk.at(tmp_path, rows), decisions=decided(("account", "acct-1", "ban"))
    )
    assert all(re.fullmatch(r"[\w-]{1,64}/[\w.]+|SHA256SUMS", name) for name in pack)


def hostile_page() -> Page:
    nodes = [Node(text, text, "core") for text in XSS]
    return Page(
        title=XSS[0],
        sentences=XSS,
        tables=[Table(text, [text], [[text, None, 1.5]]) for text in XSS],
        nodes=nodes,
        links=[(nodes[0].id, nodes[1].id), (nodes[0].id, "gone")],
    )


def test_no_text_becomes_markup_and_no_script_is_unnamed() -> None:
    text = render(hostile_page()).decode()
    assert text.count("\n<script") == 3
    assert "sourceMappingURL" not in text
    assert "<img" not in text
    assert "<svg" not in text.split("<script")[0]
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)


def test_the_same_page_is_the_same_bytes() -> None:
    assert render(hostile_page()) == render(hostile_page())


def test_a_large_cluster_is_drawn_in_part_and_says_so() -> None:
    nodes = [Node(f"n{n}", f"n{n}", "core") for n in range(NODE_LIMIT + 7)]
    links = [(f"n{n}", f"n{n + 1}") for n in range(NODE_LIMIT + 6)]
    text = render(Page("t", [], [], nodes, links)).decode()
    assert "7 more nodes are not drawn" in text
    data = re.search(r'id="data">(.*?)</script>', text)
    assert data is not None
    graph = json.loads(data[1])
    assert len(graph["nodes"]) == NODE_LIMIT
    assert len(graph["edges"]) == NODE_LIMIT - 1


@pytest.mark.browser
def test_the_page_draws_offline_and_runs_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    place.write_bytes(render(hostile_page()))
    faults: list[str] = []
    asked: list[str] = []
    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-quic"],
        )
        page = browser.new_page()
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.on("console", lambda line: faults.append(line.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(place.as_uri())
        page.wait_for_selector("#graph canvas")
        drawn = page.evaluate(
            """() => {
                const canvas = document.querySelector("#graph canvas");
                const dots = canvas.getContext("2d")
                    .getImageData(0, 0, canvas.width, canvas.height).data;
                return dots.some(value => value !== 0);
            }"""
        )
        title = page.title()
        browser.close()
    assert drawn
    assert title == XSS[0]
    assert asked == [place.as_uri()]
    assert faults == []


def test_a_refund_pack_states_what_strangers_used(tmp_path: Path) -> None:
    folder = Desk.at(tmp_path).export("refund", "pack")[0] / "k-leaked"
    statement = json.loads((folder / "statement.json").read_text())
    assert statement["account_id"] == "victim"
    assert statement["foreign_usd"] == pytest.approx(480.123456789)
    assert statement["reasons"] == [
        "Strangers used it 5 minutes after it was seen in public."
    ]
    (use,) = table((folder / "foreign_use.csv").read_bytes())
    assert (use["identifier"], use["foreign_use"]) == ("ip-thief", "true")
    letter = (folder / "statement.txt").read_text()
    assert "Foreign use, USD    480.12" in letter
    assert "198.51.100.9" not in letter


def test_a_key_that_nobody_replayed_has_no_refund_pack(tmp_path: Path) -> None:
    frame = decided(("key", "k-quiet", "revoke"))
    with pytest.raises(ExportError, match="no approved decision"):
        Desk.at(tmp_path).export("refund", "pack", frame)


def test_a_refund_letter_keeps_hostile_text_on_its_line(tmp_path: Path) -> None:
    rows = world()
    key = dict(rows["keys"][0]) | {"key_id": "k\nForeign use, USD    9999\x1b[2J"}
    rows["keys"] = [key]
    frame = decided(("key", str(key["key_id"]), "revoke"))
    folder = Desk.at(tmp_path, rows).export("refund", "pack", frame)[0]
    (letter,) = folder.glob("*/statement.txt")
    lines = letter.read_text().splitlines()
    assert sum(line.startswith("Foreign use, USD") for line in lines) == 1
    assert "\x1b" not in letter.read_text()
