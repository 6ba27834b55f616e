"""Exports that are a list of API calls, one JSON object a line.

A line holds `method`, `path` and, if the call has one, `body`, then the decision it
carries out. Whoever holds the target's credentials sends them; Ringfence never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote

from graph.exports.package import Bundle, Decision, File, Json, json_lines


def call(method: str, path: str, body: Json | None = None) -> dict[str, object]:
    """One call, without its decision."""
    shown: dict[str, object] = {"method": method, "path": path}
    return shown if body is None else shown | {"body": body}


def segment(identifier: str) -> str:
    """An id as one segment of a path: nothing in it can leave the segment."""
    # "." and ".." are legal segments that mean another path.
    if set(identifier) <= {"."}:
        return identifier.replace(".", "%2E")
    return quote(identifier, safe="")


def paired(
    decisions: Iterable[Decision],
    forward: Callable[[Decision], Json],
    back: Callable[[Decision], Json],
) -> Bundle:
    """For each decision the call that carries it out and the one that undoes it."""
    decided = list(decisions)
    return Bundle(
        files=(File("", json_lines([{**forward(d), **d.stamp()} for d in decided])),),
        rollback=(File("", json_lines([{**back(d), **d.stamp()} for d in decided])),),
    )
