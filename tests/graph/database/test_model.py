"""The model against its own rules, the derived tables and its page in `docs/`."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from graph.catalogue import catalogue
from graph.derived import Snapshot
from graph.model import LABEL_OF_KIND, NODE, NODES, RELATIONSHIPS, Node, Property
from graph.pages import model_page, queries_page
from graph.publish import stage
from ingest.workspace import Workspace

DOCS = Path(__file__).parents[3] / "docs"
OKABE_ITO = {
    "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#CC79A7", "#F0E442", "#D55E00",
    "#999999",
}  # fmt: skip


def test_the_pages_say_what_the_code_says() -> None:
    assert (DOCS / "graph-model.md").read_text(encoding="utf-8") == model_page()
    page = queries_page(catalogue())
    assert (DOCS / "queries.md").read_text(encoding="utf-8") == page


def test_names_are_unique_and_ends_are_declared() -> None:
    names = [node.label for node in NODES] + [kind.type for kind in RELATIONSHIPS]
    assert len(set(names)) == len(names)
    assert {end for kind in RELATIONSHIPS for end in (kind.start, kind.end)} <= set(
        NODE
    )
    assert set(LABEL_OF_KIND.values()) <= set(NODE)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.label)
def test_a_label_is_keyed_told_and_drawn_like_no_other(node: Node) -> None:
    assert node.properties[0].name == "id"
    assert node.colour in OKABE_ITO
    assert node.meaning.endswith(".")
    looks = [(other.colour, other.shape) for other in NODES]
    assert looks.count((node.colour, node.shape)) == 1
    assert [other.icon for other in NODES].count(node.icon) == 1


@pytest.mark.parametrize("kind", RELATIONSHIPS, ids=lambda kind: kind.type)
def test_a_relationship_is_dated(kind: object) -> None:
    names = {declared.name for declared in getattr(kind, "properties")}  # noqa: B009
    assert {"first_seen", "last_seen"} <= names


@pytest.mark.parametrize("name", ["a`b", "x\n", "a b", "", "9a", "n" * 65, "ü"])
def test_a_name_that_could_break_out_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="bad name"):
        Property(name, "string", "")
    with pytest.raises(ValueError, match="no plain name"):
        Node(name, "", "", (), "", "", "")


def test_every_staged_relationship_has_its_two_ends(
    made: tuple[Workspace, Snapshot],
) -> None:
    staged = stage.stage(*made)
    with duckdb.connect() as connection:
        for kind in RELATIONSHIPS:
            files = (staged.rows(kind.type), staged.rows(kind.start))
            row = connection.execute(
                "SELECT count(*), count(s.id) FROM read_parquet(?) r"
                " LEFT JOIN read_parquet(?) s ON s.id = r.start_id",
                files,
            ).fetchone()
            assert row is not None
            assert row[0] == row[1] > 0


def test_the_same_snapshot_is_staged_to_the_same_bytes(
    made: tuple[Workspace, Snapshot], tmp_path: Path
) -> None:
    one = stage.stage(*made)
    other = stage.stage(Workspace.open(tmp_path), made[1])
    assert one.digest == other.digest
    for path in sorted(one.folder.iterdir()):
        assert path.read_bytes() == (other.folder / path.name).read_bytes()


def test_only_one_module_imports_the_driver() -> None:
    room = DOCS.parent
    importing = [
        path.relative_to(room).as_posix()
        for folder in ("demo", "graph", "ingest", "views")
        for path in (room / folder).rglob("*.py")
        if re.search(r"^\s*(import|from) neo4j\b(?!_)", path.read_text(), re.MULTILINE)
    ]
    assert importing == ["graph/store.py"]
