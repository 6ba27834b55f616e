"""Addresses of banned subjects for the two firewalls: Cloudflare and AWS WAF."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from graph.exports.package import rfc3339
from graph.exports.traces import Trace


def batches(traces: Sequence[Trace], limit: int) -> list[list[Trace]]:
    """`traces` in runs of at most `limit`; one empty run when there is none."""
    rest = iter(traces)
    runs = list(iter(lambda: list(islice(rest, limit)), []))
    return runs or [[]]


def until(trace: Trace) -> str:
    """When the decision behind `trace` ends."""
    return "undone" if trace.expires_at is None else rfc3339(trace.expires_at)
