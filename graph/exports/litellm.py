"""LiteLLM proxy: block keys (`/key/block`) and customers (`/customer/block`).

A key is named by the proxy's token (the SHA-256 it logs), which is its key id here; a
customer is an end user of a tenant.
"""

from __future__ import annotations

from graph.exports.calls import call, paired
from graph.exports.package import Bundle, Context, Decision, Json


def build(context: Context) -> Bundle:
    """One call a key or end user."""
    return paired(
        context.decisions,
        lambda decision: _call(decision, "block"),
        lambda decision: _call(decision, "unblock"),
    )


def _call(decision: Decision, step: str) -> Json:
    if decision.subject_type == "key":
        return call("POST", f"/key/{step}", {"key": decision.subject_id})
    return call("POST", f"/customer/{step}", {"user_ids": [decision.subject_id]})
