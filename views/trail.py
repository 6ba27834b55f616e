"""The steps a person took in the link graph: what each event changes, and undo.

Pure: no Streamlit here, so that every step is tested as a function.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from graph.dossier.picture import Steps

# Longest text of a trail in an address, and what it may unpack to.
_MOST_TEXT = 1_800
_MOST_BYTES = 20_000
EXPAND = 50


@dataclass(frozen=True)
class Trail:
    """The steps now, those before each change, and those taken back."""

    steps: Steps = field(default_factory=Steps)
    past: tuple[Steps, ...] = ()
    future: tuple[Steps, ...] = ()

    @property
    def number(self) -> int:
        """How many changes lie behind; the graph learns by it that one was made."""
        return len(self.past)

    def to(self, steps: Steps) -> Trail:
        """The trail after one more change; the same one when nothing changed."""
        if steps == self.steps:
            return self
        return Trail(steps, (*self.past, self.steps))

    def undo(self) -> Trail:
        """One change back."""
        if not self.past:
            return self
        return Trail(self.past[-1], self.past[:-1], (self.steps, *self.future))

    def redo(self) -> Trail:
        """One change that was taken back, again."""
        if not self.future:
            return self
        return Trail(self.future[0], (*self.past, self.steps), self.future[1:])


def follow(
    trail: Trail, event: Mapping[str, object], groups: Mapping[str, str]
) -> Trail:
    """The trail after an event of the graph; unknown events change nothing.

    `groups` tells which collapsed group an account was drawn out of.
    """
    kind = event.get("kind")
    if kind == "undo":
        return trail.undo()
    if kind == "redo":
        return trail.redo()
    return trail.to(_changed(trail.steps, event, groups))


def _changed(
    steps: Steps, event: Mapping[str, object], groups: Mapping[str, str]
) -> Steps:
    kind, name = event.get("kind"), str(event.get("id", ""))
    if kind == "expand":
        return _expanded(steps, name, _limit(event))
    if kind == "open":
        return replace(steps, opened=steps.opened | {name})
    if kind == "collapse":
        return _collapsed(steps, name, groups.get(name, ""))
    if kind == "hide":
        return replace(steps, hidden=steps.hidden | set(_ids(event)))
    return steps


def draw_path(trail: Trail, path: list[str]) -> Trail:
    """The trail with the nodes of a path drawn and shown as the path."""
    hidden = trail.steps.hidden - set(path)
    return trail.to(replace(trail.steps, drawn=tuple(path), hidden=hidden))


def _ids(event: Mapping[str, object]) -> list[str]:
    ids = event.get("ids", [])
    return [str(name) for name in ids] if isinstance(ids, list) else []


def _limit(event: Mapping[str, object]) -> int:
    limit = event.get("limit", EXPAND)
    return min(max(int(limit), 1), 500) if isinstance(limit, int) else EXPAND


def _expanded(steps: Steps, name: str, limit: int) -> Steps:
    others = tuple(pair for pair in steps.expanded if pair[0] != name)
    return replace(steps, expanded=(*others, (name, limit)))


def _collapsed(steps: Steps, name: str, group: str) -> Steps:
    kept = tuple(pair for pair in steps.expanded if pair[0] != name)
    return replace(steps, expanded=kept, opened=steps.opened - {group})


def to_text(steps: Steps) -> str:
    """The steps as text for an address; empty when there are none, or too many."""
    if steps == Steps():
        return ""
    parts = [sorted(steps.opened), steps.expanded, sorted(steps.hidden), steps.drawn]
    packed = zlib.compress(json.dumps(parts, separators=(",", ":")).encode(), 9)
    text = base64.urlsafe_b64encode(packed).decode()
    return text if len(text) <= _MOST_TEXT else ""


def from_text(text: str) -> Steps:
    """The steps of an address; none for text that says nothing sensible."""
    try:
        packed = base64.urlsafe_b64decode(text.encode())
        unpacked = zlib.decompressobj().decompress(packed, _MOST_BYTES)
        opened, expanded, hidden, drawn = json.loads(unpacked)
        return Steps(
            frozenset(map(str, opened)),
            tuple((str(name), min(int(most), 500)) for name, most in expanded),
            frozenset(map(str, hidden)),
            tuple(map(str, drawn)),
        )
    except (ValueError, TypeError, binascii.Error, zlib.error):
        return Steps()
