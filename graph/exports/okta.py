"""Okta: suspend users (`POST /api/v1/users/{id}/lifecycle/suspend`).

Okta suspends only an ACTIVE user and unsuspends only a SUSPENDED one; calling twice is
an error there, so keep the answers beside the file.
"""

from __future__ import annotations

from graph.exports.calls import call, paired, segment
from graph.exports.package import Bundle, Context, Decision, Json


def build(context: Context) -> Bundle:
    """One call an account; account ids are Okta's user ids or logins."""
    return paired(
        context.decisions,
        lambda decision: _lifecycle(decision, "suspend"),
        lambda decision: _lifecycle(decision, "unsuspend"),
    )


def _lifecycle(decision: Decision, step: str) -> Json:
    user = segment(decision.subject_id)
    return call("POST", f"/api/v1/users/{user}/lifecycle/{step}")
