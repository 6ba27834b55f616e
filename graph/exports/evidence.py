"""Evidence bundle: everything that speaks for an approved decision on one cluster.

A folder (or zip) holds for each cluster a page that opens from disk, the same tables
as CSV, and SHA-256 sums. Bystanders are counted, not named: they are no part of the
case. Identifiers are masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from graph.exports import cells
from graph.exports.package import (
    Bundle,
    Context,
    ExportError,
    File,
    json_bytes,
    plain,
    rfc3339,
)
from graph.exports.standalone import Node, Page, Table, render

_CLUSTERS = """
    SELECT DISTINCT a.cluster_id
    FROM decided d
    LEFT JOIN keys k ON d.subject_type = 'key' AND k.key_id = d.subject_id
    JOIN accounts a ON a.account_id = CASE d.subject_type
        WHEN 'account' THEN d.subject_id ELSE k.account_id END
    WHERE a.cluster_id <> '' AND a.role <> 'bystander'
      AND ($subject = '' OR a.cluster_id = $subject)
    ORDER BY ALL
"""

_MEMBERS = """
    CREATE OR REPLACE TEMP TABLE members AS
    SELECT a.account_id, a.role, a.typology, a.score, a.action, a.cost_usd, a.reasons,
           a.created_at, a.first_seen, a.last_seen, a.requests, a.tokens, d.verdict,
           d.decision_id, d.reason, d.approver, d.expires_at
    FROM accounts a
    LEFT JOIN decided d ON d.subject_type = 'account' AND d.subject_id = a.account_id
    WHERE a.cluster_id = $cluster AND a.role IN ('core', 'likely')
"""

_IDENTIFIERS = """
    CREATE OR REPLACE TEMP TABLE shared AS
    SELECT o.kind, o.identifier, any_value(i.masked) AS masked,
           any_value(i.class) AS class, count(*) AS members,
           any_value(i.accounts) AS accounts, min(o.first_seen) AS first_seen,
           max(o.last_seen) AS last_seen, any_value(i.score) AS score,
           bool_or(i.links) AS links
    FROM observations o
    JOIN members USING (account_id)
    LEFT JOIN identifiers i ON i.kind = o.kind AND i.identifier = o.identifier
    GROUP BY o.kind, o.identifier HAVING count(*) > 1
"""

_LINKS = """
    SELECT o.account_id, o.kind || ':' || o.identifier
    FROM observations o
    JOIN members USING (account_id)
    JOIN shared s ON s.kind = o.kind AND s.identifier = o.identifier AND s.links
    ORDER BY ALL
"""

_REASONS = """
    CREATE OR REPLACE TEMP TABLE told AS
    SELECT r.subject_type, r.subject_id, r.rank, r.code, r.family, r.weight, r.sentence
    FROM reasons r
    WHERE (r.subject_type = 'cluster' AND r.subject_id = $cluster)
       OR (r.subject_type = 'account'
           AND r.subject_id IN (SELECT account_id FROM members))
"""

_HYPOTHESES = """
    CREATE OR REPLACE TEMP TABLE innocent AS
    SELECT hypothesis, weight, sentence FROM hypotheses WHERE cluster_id = $cluster
"""

_CLUSTER = """
    SELECT * FROM clusters WHERE cluster_id = $cluster
"""

_BYSTANDERS = """
    SELECT count(*) FROM accounts WHERE cluster_id = $cluster AND role = 'bystander'
"""

# Table of the bundle -> (where it lies, its columns and their kinds).
_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "members": ("members", {
        "account_id": "id", "role": "text", "typology": "text", "score": "number",
        "action": "text", "cost_usd": "number", "reasons": "json", "created_at": "time",
        "first_seen": "time", "last_seen": "time", "requests": "whole",
        "tokens": "whole", "verdict": "text", "decision_id": "id", "reason": "text",
        "approver": "id", "expires_at": "time",
    }),
    "identifiers": ("shared", {
        "kind": "text", "identifier": "id", "masked": "text", "class": "text",
        "members": "whole", "accounts": "whole", "first_seen": "time",
        "last_seen": "time", "score": "number", "links": "flag",
    }),
    "reasons": ("told", {
        "subject_type": "text", "subject_id": "id", "rank": "whole", "code": "text",
        "family": "text", "weight": "number", "sentence": "text",
    }),
    "hypotheses": ("innocent", {
        "hypothesis": "text", "weight": "number", "sentence": "text",
    }),
}  # fmt: skip


def build(context: Context) -> Bundle:
    """A folder for each cluster with an approved decision, or for the one named.

    Raises `ExportError` when no approved decision is about a cluster's member.
    """
    found = context.tables.execute(_CLUSTERS, {"subject": context.subject}).fetchall()
    if not found:
        raise ExportError(
            f"no approved decision is about a member of cluster "
            f"{context.subject or '(any)'}: decide first, then export its evidence"
        )
    tree: dict[str, bytes] = {}
    for (cluster,) in found:
        folder = folder_name(cluster)
        for name, body in _cluster(context, cluster).items():
            tree[f"{folder}/{name}"] = body
    return Bundle((), (withdrawal(context),), tree=tree)


def withdrawal(context: Context) -> File:
    """What to send after the bundle if its decisions are undone."""
    notice = {
        "notice": "These decisions are withdrawn; exports under them are void.",
        "decisions": [decision.stamp() for decision in context.decisions],
    }
    return File("", json_bytes(notice), ".json")


def folder_name(identifier: str) -> str:
    """An id as a folder's name; one with other characters goes by its hash."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", identifier):
        return identifier
    return sha256(identifier.encode()).hexdigest()[:32]


def as_csv(context: Context, table: str, columns: Mapping[str, str]) -> bytes:
    """`columns` of a table of `context` as CSV that no spreadsheet runs."""
    with TemporaryDirectory(prefix="ringfence-") as folder:
        out = Path(folder) / "table.csv"
        cells.write(context.tables, table, columns, out)
        return out.read_bytes()


def _cluster(context: Context, cluster: str) -> dict[str, bytes]:
    about = {"cluster": cluster}
    context.tables.execute(_MEMBERS, about)
    context.tables.execute(_IDENTIFIERS)
    context.tables.execute(_REASONS, about)
    context.tables.execute(_HYPOTHESES, about)
    tables = {
        f"{name}.csv": as_csv(context, where, columns)
        for name, (where, columns) in _TABLES.items()
    }
    return tables | {
        "cluster.json": json_bytes(_summary(context, cluster)),
        "index.html": render(_page(context, cluster)),
    }


def _summary(context: Context, cluster: str) -> dict[str, object]:
    row = _row(context, cluster)
    counted = context.tables.execute(_BYSTANDERS, {"cluster": cluster}).fetchall()
    return {
        **row,
        "bystanders_left_out": counted[0][0],
        "snapshot": context.snapshot.folder.name,
        "ledger": context.snapshot.ledger,
        "made_at": rfc3339(context.clock),
    }


def _row(context: Context, cluster: str) -> dict[str, object]:
    found = context.tables.execute(_CLUSTER, {"cluster": cluster})
    names = [column[0] for column in found.description or ()]
    return {
        name: plain(value)
        for row in found.fetchall()
        for name, value in zip(names, row, strict=True)
    }


def _page(context: Context, cluster: str) -> Page:
    summary = _summary(context, cluster)
    tables = [
        _table(context, name, where, columns)
        for name, (where, columns) in _TABLES.items()
    ]
    links = [(left, right) for left, right in context.tables.execute(_LINKS).fetchall()]
    return Page(
        title=f"Cluster {cluster}",
        sentences=[
            str(summary.get("summary") or ""),
            f"{summary['bystanders_left_out']} bystanders are left out.",
            f"Snapshot {summary['snapshot']}, made {summary['made_at']}.",
        ],
        tables=tables,
        nodes=_nodes(context),
        links=links,
    )


def _nodes(context: Context) -> list[Node]:
    members = context.tables.table("members").order("role, account_id")
    shared = context.tables.table("shared").filter("links").order("kind, identifier")
    return [
        Node(account, account, role)
        for account, role in members.project("account_id, role").fetchall()
    ] + [
        Node(f"{kind}:{identifier}", f"{kind} {masked or ''}", "identifier")
        for kind, identifier, masked in shared.project(
            "kind, identifier, masked"
        ).fetchall()
    ]


def _table(
    context: Context, title: str, where: str, columns: Mapping[str, str]
) -> Table:
    keys = ", ".join(f'"{name}"' for name in columns)
    found = context.tables.table(where).project(keys).order(keys).fetchall()
    rows = [[plain(value) for value in row] for row in found]
    return Table(title.capitalize(), list(columns), rows)
