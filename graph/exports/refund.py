"""Refund pack for the owner of a replayed key: what strangers used it for, and when.

A folder (or zip) holds for each revoked key a statement, the foreign use by source,
all use by facet, and SHA-256 sums. Nothing in it names the strangers' other victims.
"""

from __future__ import annotations

from collections.abc import Mapping

from graph.exports.evidence import as_csv, folder_name, withdrawal
from graph.exports.package import (
    Bundle,
    Context,
    ExportError,
    json_bytes,
    plain,
    rfc3339,
)

_KEYS = """
    SELECT k.key_id, k.account_id, k.tenant_id, k.typology, k.exposed_at,
           k.first_abuse_at, k.latency_seconds, k.cost_usd AS foreign_usd, k.owner_usd,
           k.created_at, k.revoked_at, d.decision_id, d.verdict, d.reason, d.approver,
           d.decided_at, d.expires_at
    FROM decided d
    JOIN keys k ON k.key_id = d.subject_id
    WHERE d.subject_type = 'key'
      AND k.typology IN ('key_replay', 'cloud_key_exposure')
      AND ($subject = '' OR k.key_id = $subject)
    ORDER BY k.key_id
"""

_USE = """
    CREATE OR REPLACE TEMP TABLE key_use AS
    SELECT o.kind, o.identifier, i.masked, i.class, i.asn, i.country, o.first_seen,
           o.last_seen, o.count AS requests, o.tokens, o.cost_usd, o.foreign_use
    FROM key_observations o
    LEFT JOIN identifiers i ON i.kind = o.kind AND i.identifier = o.identifier
    WHERE o.key_id = $key
"""

_FOREIGN = """
    CREATE OR REPLACE TEMP TABLE foreign_use AS
    FROM key_use WHERE foreign_use
"""

_REASONS = """
    SELECT sentence FROM reasons
    WHERE subject_type = 'key' AND subject_id = $key ORDER BY rank, code
"""

_COLUMNS: Mapping[str, str] = {
    "kind": "text",
    "identifier": "id",
    "masked": "text",
    "class": "text",
    "asn": "whole",
    "country": "text",
    "first_seen": "time",
    "last_seen": "time",
    "requests": "whole",
    "tokens": "whole",
    "cost_usd": "number",
    "foreign_use": "flag",
}


def build(context: Context) -> Bundle:
    """A folder for each replayed key with an approved decision, or for the one named.

    Raises `ExportError` when there is none.
    """
    found = context.tables.execute(_KEYS, {"subject": context.subject})
    names = [column[0] for column in found.description or ()]
    keys = [dict(zip(names, map(plain, row), strict=True)) for row in found.fetchall()]
    if not keys:
        raise ExportError(
            f"no approved decision revokes replayed key {context.subject or '(any)'}: "
            "decide first, then make its refund pack"
        )
    tree: dict[str, bytes] = {}
    for key in keys:
        folder = folder_name(str(key["key_id"]))
        for name, body in _pack(context, key).items():
            tree[f"{folder}/{name}"] = body
    return Bundle((), (withdrawal(context),), tree=tree)


def _pack(context: Context, key: Mapping[str, object]) -> dict[str, bytes]:
    named = {"key": key["key_id"]}
    context.tables.execute(_USE, named)
    context.tables.execute(_FOREIGN)
    sentences = [text for (text,) in context.tables.execute(_REASONS, named).fetchall()]
    statement = {
        **key,
        "reasons": sentences,
        "snapshot": context.snapshot.folder.name,
        "ledger": context.snapshot.ledger,
        "made_at": rfc3339(context.clock),
    }
    return {
        "statement.json": json_bytes(statement),
        "statement.txt": _letter(key, sentences).encode(),
        "foreign_use.csv": as_csv(context, "foreign_use", _COLUMNS),
        "all_use.csv": as_csv(context, "key_use", _COLUMNS),
    }


def _letter(key: Mapping[str, object], sentences: list[str]) -> str:
    lines = [
        "Statement on a key that was used by someone else than its owner",
        "",
        f"Key                 {_line(key['key_id'])}",
        f"Owner               {_line(key['account_id'])}",
        f"Seen in public      {_line(key['exposed_at'] or 'not known')}",
        f"First foreign use   {_line(key['first_abuse_at'] or 'not known')}",
        f"Foreign use, USD    {key['foreign_usd'] or 0:.2f}",
        f"Owner's use, USD    {key['owner_usd'] or 0:.2f}",
        f"Decision            {_line(key['decision_id'])}: {_line(key['verdict'])}",
        f"Approved by         {_line(key['approver'])}",
        "",
        "Why:",
        *(f"- {_line(sentence)}" for sentence in sentences),
        "",
        "foreign_use.csv lists where it was used from, with times, requests and cost.",
    ]
    return "\n".join(lines) + "\n"


def _line(value: object) -> str:
    """Text that stays on its line, whatever it holds."""
    return "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)
    )
