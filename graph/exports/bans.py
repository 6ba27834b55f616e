"""Approved decisions as files that other systems take: `ringfence export bans`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graph.derived import Snapshot
from graph.exports import approved, disk
from graph.exports.asking import Request, local_request
from graph.exports.package import (
    Context,
    ExportError,
    rfc3339,
)
from graph.exports.registry import FORMATS, Format
from ingest.errors import UsageError
from ingest.workspace import Workspace


def export_bans(
    workspace: Workspace,
    format_name: str,
    out: Path,
    clock: datetime,
    request: Request | None = None,
) -> list[Path]:
    """Write the approved decisions in force at `clock` in a format of `FORMATS`.

    Without `request`, the person at this machine asks (`asking.local_request`).
    Returns what was written: the file or folder `out` and its further parts, the
    rollback files beside it, and the manifest that names every decision, the snapshot
    and each file's SHA-256. The same input gives the same bytes.

    Raises `UsageError` for an unknown format or an ending that isn't the format's,
    `ExportError` above the cap without a second person or when the snapshot is no
    longer the one that was looked at.
    """
    chosen_format = _format(format_name, out)
    moment = _naive_utc(clock)
    if request is not None:
        return _written(workspace, chosen_format, out, moment, request)
    with local_request(workspace, moment) as own:
        return _written(workspace, chosen_format, out, moment, own)


def _written(
    workspace: Workspace, form: Format, out: Path, moment: datetime, request: Request
) -> list[Path]:
    snapshot = Snapshot.current(workspace)
    _check_snapshot(snapshot, request.snapshot)
    in_force = approved.in_force(request.decisions, moment)
    chosen = approved.taken(in_force, form.takes)
    approved.check_cap(chosen, request.seconded_by)
    with snapshot.connect() as tables:
        tables.register("in_force", in_force)
        tables.register("decided", chosen[list(approved.COLUMNS)])
        context = Context(
            snapshot, tables, moment, request.reveal, request.settings, request.subject
        )
        bundle = form.build(context)
        about = _about(form, context, request)
    paths = disk.write(bundle, out, about)
    request.audit(_noted(about, paths))
    return paths


def _about(form: Format, context: Context, request: Request) -> dict[str, Any]:
    snapshot = context.snapshot
    return {
        "format": form.name,
        "made_at": rfc3339(context.clock),
        "snapshot": {
            "name": snapshot.folder.name,
            "ledger": snapshot.ledger,
            "as_of": snapshot.as_of.isoformat(),
        },
        "seconded_by": request.seconded_by or None,
        "decisions": [decision.stamp() for decision in context.decisions],
    }


def _noted(about: Mapping[str, Any], paths: Sequence[Path]) -> dict[str, object]:
    """What the audit keeps: codes, counts and the manifest's hash, no subjects."""
    return {
        "format": about["format"],
        "decisions": len(about["decisions"]),
        "snapshot": about["snapshot"]["name"],
        "seconded_by": about["seconded_by"],
        "manifest": hashlib.sha256(paths[-1].read_bytes()).hexdigest(),
    }


def _format(name: str, out: Path) -> Format:
    if name not in FORMATS:
        raise UsageError(
            f"ban-list format {name!r} is unknown: choose from {', '.join(FORMATS)}"
        )
    endings = FORMATS[name].endings
    if out.suffix.lower() not in endings:
        wanted = " or ".join(ending or "no ending (a folder)" for ending in endings)
        raise UsageError(f"{out} is no place for {name}: give the name {wanted}")
    return FORMATS[name]


def _check_snapshot(current: Snapshot, looked_at: str) -> None:
    if looked_at and looked_at not in {current.folder.name, current.ledger}:
        raise ExportError(
            f"the export was asked for on snapshot {looked_at}, but "
            f"{current.folder.name} is current: look again, then export"
        )


def _naive_utc(clock: datetime) -> datetime:
    return clock if clock.tzinfo is None else clock.astimezone(UTC).replace(tzinfo=None)
