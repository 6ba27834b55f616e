"""Stripe Radar value lists: cards, e-mail addresses, customers, addresses.

The main file holds API calls: the list first, then its items, whose `value_list` is
the list's alias until Stripe's answer gives the id to put there. Beside it lies one
text file a list, one value a line, for the dashboard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graph.exports.calls import call
from graph.exports.package import (
    Bundle,
    Context,
    File,
    Json,
    LeftOut,
    json_lines,
    rfc3339,
)
from graph.exports.traces import Trace, exclusive

# item_type -> (kind of identifier, the list's name).
_LISTS: Mapping[str, tuple[str, str]] = {
    "card_fingerprint": ("card", "Ringfence: cards"),
    "customer_id": ("", "Ringfence: customers"),
    "email": ("email", "Ringfence: e-mail addresses"),
    "ip_address": ("ip", "Ringfence: addresses"),
}

# Stripe refuses longer values.
VALUE_LIMIT = 800

_ITEMS = "/v1/radar/value_list_items"


def build(context: Context) -> Bundle:
    """A list for each type of item that has any."""
    forward: list[Json] = []
    back: list[Json] = []
    texts: list[File] = []
    left_out: list[LeftOut] = []
    for item_type, (kind, name) in _LISTS.items():
        traces, lost = exclusive(context, kind) if kind else (_customers(context), [])
        values, unfit = _fitting(item_type, traces)
        left_out += lost + unfit
        if values:
            forward += [_create(item_type, name), *(_add(item_type, t) for t in values)]
            back += [_remove(item_type, t) for t in values]
            text = "".join(f"{trace.value}\n" for trace in values).encode()
            texts.append(File(item_type, text, ".txt"))
    return Bundle(
        files=(File("", json_lines(forward)), *texts),
        rollback=(File("", json_lines(back)),),
        left_out=tuple(left_out),
    )


def _customers(context: Context) -> list[Trace]:
    return [
        Trace(d.subject_id, d.decision_id, d.reason, d.expires_at)
        for d in context.decisions
        if d.subject_id.startswith("cus_")
    ]


def _fitting(
    item_type: str, traces: Sequence[Trace]
) -> tuple[list[Trace], list[LeftOut]]:
    """What Stripe takes: single IPv4 hosts, printable values of its length."""
    fitting: list[Trace] = []
    unfit: list[LeftOut] = []
    for trace in traces:
        value = trace.value.removesuffix("/32") if item_type == "ip_address" else (
            trace.value
        )  # fmt: skip
        if not value.isprintable() or len(value) > VALUE_LIMIT:
            unfit.append(LeftOut(item_type, "not a value that Stripe takes"))
        elif item_type == "ip_address" and "/" in value:
            unfit.append(LeftOut("ip /64", "Radar lists hold single addresses"))
        else:
            fitting.append(
                Trace(value, trace.decision_id, trace.reason, trace.expires_at)
            )
    return fitting, unfit


def _alias(item_type: str) -> str:
    return f"ringfence_{item_type}"


def _create(item_type: str, name: str) -> Json:
    body = {"alias": _alias(item_type), "name": name, "item_type": item_type}
    return call("POST", "/v1/radar/value_lists", body)


def _add(item_type: str, trace: Trace) -> Json:
    body = {"value_list": _alias(item_type), "value": trace.value}
    return call("POST", _ITEMS, body) | _stamp(trace)


def _remove(item_type: str, trace: Trace) -> Json:
    find = {"value_list": _alias(item_type), "value": trace.value}
    gone = call("DELETE", f"{_ITEMS}/{{id}}") | {"find": call("GET", _ITEMS, find)}
    return gone | _stamp(trace)


def _stamp(trace: Trace) -> dict[str, object]:
    ends = None if trace.expires_at is None else rfc3339(trace.expires_at)
    return {
        "decision_id": trace.decision_id,
        "reason": trace.reason,
        "expires_at": ends,
    }
