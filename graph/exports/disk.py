"""Puts an export on disk: whole or not at all, way back first, manifest last."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graph.exports.package import Bundle, ExportError, File, json_bytes
from ingest.errors import UsageError

SUMS = "SHA256SUMS"

# What is read of the manifest of an export that is replaced.
_REPLACED = ("decisions", "files", "made_at", "rollback")

# A zip's own clock, so that the same content is the same file.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def write(bundle: Bundle, out: Path, about: Mapping[str, object]) -> list[Path]:
    """Write the bundle at `out`, its rollback files and its manifest beside it.

    `about` is what the manifest says besides the files. An earlier export of the same
    name is replaced, with all its parts; if it held decisions that no longer stand, its
    rollback files are kept under another name and the manifest tells which. Raises
    `UsageError` when the place can't be written.
    """
    tree = _with_sums(bundle.tree)
    files = {_place(out, file): file.body for file in bundle.files}
    if tree and out.suffix:
        files[out] = _zipped(tree)
    rollback = {_place(out, file, "rollback"): file.body for file in bundle.rollback}
    note = out.with_name(f"{out.name}.manifest.json")
    earlier = _earlier(note)
    lapsed = _lapsed(earlier, about)
    kept = _kept(out, earlier) if lapsed else {}
    manifest = {
        **about,
        "files": _sums(files) or {out.name: _sum(tree[SUMS])},
        "rollback": _sums(rollback),
        "left_out": [
            {"subject": one.subject, "why": one.why} for one in bundle.left_out
        ],
        "lapsed": lapsed,
        "rollback_of_lapsed": sorted(path.name for path in kept.values()),
    }
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if tree and not out.suffix:
            _write_folder(tree, out)
        for path, place in kept.items():
            path.replace(place)
        _write_files({**rollback, **files, note: json_bytes(manifest)})
        for path in _listed(out, earlier) - {*files, *rollback}:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{out} can't be written ({error.strerror}): name a place that is yours"
        ) from error
    folder = [] if files else [out]
    return [*folder, *files, *rollback, note]


def _earlier(note: Path) -> dict[str, Any]:
    """The manifest of the export that this one replaces; empty without one."""
    if not note.exists():
        return {}
    try:
        manifest: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        return {key: manifest[key] for key in _REPLACED}
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{note} is no manifest of an export: move it or name another file"
        ) from error


def _lapsed(earlier: Mapping[str, Any], about: Mapping[str, Any]) -> list[object]:
    """Decisions that the earlier export held and that no longer stand."""
    standing = {decision["decision_id"] for decision in about["decisions"]}
    return [
        decision
        for decision in earlier.get("decisions", [])
        if decision["decision_id"] not in standing
    ]


def _kept(out: Path, earlier: Mapping[str, Any]) -> dict[Path, Path]:
    """Where the earlier rollback files go: named by the day they were made."""
    made = "".join(c for c in str(earlier["made_at"]) if c.isalnum())
    old = [_beside(out, name) for name in earlier["rollback"]]
    return {
        path: path.with_name(f"{path.stem}.{made}{path.suffix}")
        for path in old
        if path.exists()
    }


def _listed(out: Path, earlier: Mapping[str, Any]) -> set[Path]:
    names = {**earlier.get("files", {}), **earlier.get("rollback", {})}
    return {_beside(out, name) for name in names if name != out.name}


def _beside(out: Path, name: str) -> Path:
    # A manifest names files beside it; no path in it leads elsewhere.
    return out.with_name(Path(name).name)


def _place(out: Path, file: File, role: str = "") -> Path:
    parts = [out.stem, role, file.part]
    ending = file.ending or out.suffix or ".json"
    return out.with_name(".".join(part for part in parts if part) + ending)


def _write_files(files: Mapping[Path, bytes]) -> None:
    """Write all to temporary names, then rename them in their order."""
    building = {path: path.with_name(f".{path.name}.building") for path in files}
    try:
        for path, body in files.items():
            building[path].unlink(missing_ok=True)
            descriptor = os.open(
                building[path], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
        for path, temporary in building.items():
            temporary.replace(path)
    finally:
        for temporary in building.values():
            temporary.unlink(missing_ok=True)


def _write_folder(tree: Mapping[str, bytes], out: Path) -> None:
    """Write the tree beside its place and swap it in; only an export is replaced."""
    if out.exists() and not (out / SUMS).exists():
        raise ExportError(f"{out} exists and is no earlier export: name another folder")
    building, old = (out.with_name(f".{out.name}.{step}") for step in ("new", "old"))
    shutil.rmtree(building, ignore_errors=True)
    for name, body in tree.items():
        path = building / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(body)
        path.chmod(0o600)
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    building.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _zipped(tree: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in tree.items():
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, body)
    return whole.getvalue()


def _with_sums(tree: Mapping[str, bytes]) -> dict[str, bytes]:
    """The tree sorted, with the file that `sha256sum --check` reads."""
    if not tree:
        return {}
    ordered = dict(sorted(tree.items()))
    lines = "".join(f"{_sum(body)}  {name}\n" for name, body in ordered.items())
    return ordered | {SUMS: lines.encode()}


def _sums(files: Mapping[Path, bytes]) -> dict[str, str]:
    return {path.name: _sum(body) for path, body in files.items()}


def _sum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
