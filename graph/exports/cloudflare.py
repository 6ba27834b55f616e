"""Cloudflare custom list of IP addresses, as the dashboard's CSV or the API's JSON.

CSV rows are `address,description` without a header; JSON is the body of
`POST /accounts/{id}/rules/lists/{id}/items`. IPv6 goes no longer than /64.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from graph.exports.addresses import batches, until
from graph.exports.package import Bundle, Context, File, json_bytes
from graph.exports.traces import Trace, exclusive

# Changes that the Lists API takes in five minutes; a longer list goes in parts.
ITEM_LIMIT = 10_000

# Comments are cut here; the API documents no limit below it.
COMMENT_LIMIT = 500


def build_json(context: Context) -> Bundle:
    """Parts of at most `ITEM_LIMIT` items, and the same items to remove."""
    return _build(context, "json")


def build_csv(context: Context) -> Bundle:
    """The dashboard's upload, and the same rows to remove."""
    return _build(context, "csv")


def _build(context: Context, shape: str) -> Bundle:
    traces, left_out = exclusive(context, "ip")
    write = _csv if shape == "csv" else _json
    files = tuple(
        File("" if number == 1 else str(number), write(run))
        for number, run in enumerate(batches(traces, ITEM_LIMIT), start=1)
    )
    return Bundle(files, files, tuple(left_out))


def _comment(trace: Trace) -> str:
    text = f"Ringfence {trace.decision_id} {trace.reason} until {until(trace)}"
    return text[:COMMENT_LIMIT]


def _bare(trace: Trace) -> str:
    return trace.value.removesuffix("/32")


def _json(traces: Sequence[Trace]) -> bytes:
    return json_bytes([{"ip": _bare(t), "comment": _comment(t)} for t in traces])


def _csv(traces: Sequence[Trace]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows((_bare(trace), _comment(trace)) for trace in traces)
    return text.getvalue().encode()
