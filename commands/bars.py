"""Bars on a terminal for what takes a while; nothing where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.progress import Progress, silent


@contextmanager
def bars(what: str = "") -> Iterator[Progress]:
    """Give what the work reports to; draws on standard error where that is a terminal.

    `what` is drawn until something else is reported. Elsewhere, as in the log of a
    nightly run, nothing is drawn. A bar goes when its work ends.
    """
    if not sys.stderr.isatty():
        yield silent
        return
    from commands.drawing import drawn

    with drawn(what) as progress:
        yield progress
