"""End users of a drained tenant, by the identifier the tenant passes for them.

Model providers take it as `safety_identifier` or `user`: 1 to 64 printable ASCII
characters. One JSON object a line, for the tenant to block or slow down.
"""

from __future__ import annotations

from graph.exports.package import Bundle, Context, Decision, File, LeftOut, json_lines

LENGTH_LIMIT = 64

_CULPRITS = """
    SELECT d.subject_id AS tenant_id, t.culprit
    FROM decided d
    JOIN tenants t ON t.tenant_id = d.subject_id AND t.culprit_type = 'end_user'
    WHERE d.subject_type = 'tenant'
"""


def build(context: Context) -> Bundle:
    """Banned end users, and the end user whom a throttled tenant is drained by."""
    culprits = dict(context.tables.execute(_CULPRITS).fetchall())
    named = [(_name(decision, culprits), decision) for decision in context.decisions]
    fit = [(name, decision) for name, decision in named if _fits(name)]
    left_out = tuple(
        LeftOut(f"{decision.subject_type} {decision.subject_id}", _why(name))
        for name, decision in named
        if not _fits(name)
    )
    rows = [
        {"safety_identifier": name, "action": d.verdict} | d.stamp() for name, d in fit
    ]
    back = [
        {"safety_identifier": name, "action": "allow"} | d.stamp() for name, d in fit
    ]
    return Bundle(
        (File("", json_lines(rows)),), (File("", json_lines(back)),), left_out
    )


def _name(decision: Decision, culprits: dict[str, str]) -> str:
    if decision.subject_type == "end_user":
        return decision.subject_id
    return culprits.get(decision.subject_id, "")


def _fits(name: str) -> bool:
    return 0 < len(name) <= LENGTH_LIMIT and name.isascii() and name.isprintable()


def _why(name: str) -> str:
    if not name:
        return "no end user is its culprit"
    return f"not 1 to {LENGTH_LIMIT} printable ASCII characters"
