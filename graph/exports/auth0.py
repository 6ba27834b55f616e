"""Auth0: block users (`PATCH /api/v2/users/{id}`). A block there never expires."""

from __future__ import annotations

from graph.exports.calls import call, paired, segment
from graph.exports.package import Bundle, Context, Decision, Json


def build(context: Context) -> Bundle:
    """One call an account; account ids are Auth0's user ids."""
    return paired(
        context.decisions,
        lambda decision: _patch(decision, blocked=True),
        lambda decision: _patch(decision, blocked=False),
    )


def _patch(decision: Decision, *, blocked: bool) -> Json:
    path = f"/api/v2/users/{segment(decision.subject_id)}"
    return call("PATCH", path, {"blocked": blocked})
