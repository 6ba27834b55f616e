"""The layout of a workspace: its version, and how an older one is brought up to it.

`layout.json` holds the version. A workspace from before it was kept is of version 1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from ingest import checksums
from ingest.errors import LayoutError
from ingest.locks import hold
from ingest.manifest import Manifest

VERSION = 2
_NAME = "layout.json"
_WAIT_SECONDS = 60.0


def _seal(root: Path) -> None:
    """Give the ledger's manifest and the derived tables their checksums."""
    ledger = root / "ledger"
    manifest = Manifest.read(ledger)
    if manifest is not None:
        manifest.write(ledger)
    for snapshot in sorted((root / "derived").glob("*/")):
        checksums.seal(snapshot)


MIGRATIONS: tuple[Callable[[Path], None], ...] = (_seal,)
"""What brings version 1 to 2, then 2 to 3, and so on; each may be done twice."""


def settle(root: Path) -> None:
    """Bring the workspace at `root` to this program's layout.

    Raises `LayoutError` when a newer program wrote it, or the version can't be read.
    """
    version = _version(root)
    if version > VERSION:
        raise LayoutError(
            f"workspace {root} is of layout {version}, this program knows {VERSION}: "
            "install a newer Ringfence"
        )
    if version == VERSION:
        return
    with hold(root, "ledger", _WAIT_SECONDS):
        for migrate in MIGRATIONS[_version(root) - 1 :]:
            migrate(root)
        _write(root)


def _version(root: Path) -> int:
    path = root / _NAME
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return 1
    except (ValueError, KeyError, TypeError) as error:
        raise LayoutError(
            f"{path} is damaged: restore the workspace from a backup"
        ) from error


def _write(root: Path) -> None:
    fresh = root / f".{_NAME}.{os.getpid()}"
    fresh.write_text(json.dumps({"version": VERSION}) + "\n", encoding="utf-8")
    fresh.replace(root / _NAME)
