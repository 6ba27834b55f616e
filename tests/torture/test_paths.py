"""No name of the outside world leads out of the folder that it was meant for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graph.exports.disk import write
from graph.exports.evidence import folder_name
from graph.exports.package import Bundle
from ingest.ledger import Ledger
from ingest.workspace import Workspace

NAMES = (
    "..", ".", "", "/", "//", "\\", "../x", "../../../../etc/passwd", "/etc/passwd",
    "..\\..\\x", "C:\\x", "C:x", "\\\\host\\share", "//host/share", "a/../../b", "a/..",
    "./../x", "..%2f..%2fx", "%2e%2e/x", "..\x00/x", "x\x00.txt", "\x00", "a\nb", "~",
    "~root/x", "$HOME/x", "CON", "NUL.txt", "x.", "x ", " ", ".hidden", "-rf", "x:y",
    "\u2024\u2024/x", "\uff0e\uff0e\uff0fx", "\u2215etc", "a" * 5000, "\u202e/x",
    "\ud7ff/..", "a/b", "a\\b", "x;y", "x|y", "{x}", "*",
)  # fmt: skip
LINKS = (
    "/etc/passwd", "../outside", "../../outside", "/proc/self/environ", "/dev/zero",
    "/dev/stdin", "loop", "/", "..", "../in/../outside", "/proc/self/root/etc/passwd",
)  # fmt: skip


def test_there_are_fifty() -> None:
    assert len({*NAMES, *LINKS}) >= 50


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_folder_of_a_bundle_stays_inside(name: str, tmp_path: Path) -> None:
    folder = folder_name(name)
    assert folder not in {"", ".", ".."}
    assert folder == os.path.basename(folder)  # noqa: PTH119 - of text, not of a path
    assert folder.isprintable()
    assert len(folder.encode()) <= 255
    about = {"decisions": [], "made_at": "2026-05-01T12:00:00Z"}
    out = tmp_path / "exports" / "pack"
    write(Bundle((), (), tree={f"{folder}/x.txt": b"x"}), out, about)
    made = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert out / folder / "x.txt" in made
    assert all(path.is_relative_to(tmp_path / "exports") for path in made)


@pytest.mark.parametrize("target", LINKS)
def test_a_link_out_of_the_folder_is_not_followed(target: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text('{"event_id": "stolen"}\n')
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "loop").symlink_to(target)
    counts = Ledger.open(Workspace.open(tmp_path / "w")).ingest([inside])
    assert counts.accepted == 0
    assert counts.read == counts.quarantined <= 1


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    os.mkfifo(inside / "pipe.ndjson")
    counts = Ledger.open(Workspace.open(tmp_path / "w")).ingest([inside])
    assert (counts.read, counts.quarantined) == (1, 1)
