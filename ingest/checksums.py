"""Checksums of a folder of derived tables, as `sha256sum --check` reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

NAME = "SHA256SUMS"


def seal(folder: Path) -> None:
    """Write the checksum of every file of `folder` beside them."""
    lines = "".join(
        f"{_sum(path)}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != NAME
    )
    (folder / NAME).write_text(lines, encoding="utf-8")


def damaged(folder: Path) -> Iterator[str]:
    """Name each file that is missing or other than it was when it was sealed.

    A folder without checksums, or with unreadable ones, is damaged as a whole.
    """
    try:
        lines = (folder / NAME).read_text(encoding="utf-8").splitlines()
        parts = (line.split("  ", 1) for line in lines)
        expected = {name: digest for digest, name in parts}
    except (OSError, ValueError):
        yield NAME
        return
    for name, digest in sorted(expected.items()):
        path = folder / Path(name).name
        if not path.is_file() or _sum(path) != digest:
            yield name


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
