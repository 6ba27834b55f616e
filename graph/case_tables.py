"""The tables of the case file: SQLite beside the workspace, or PostgreSQL.

Nothing here is updated but `cases.version` (so that two people can't overwrite each
other) and what an erasure blanks. Times are naive UTC.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

CASES = sa.Table(
    "cases",
    METADATA,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)

# One act of one person: the same verdict over one or more subjects.
BATCHES = sa.Table(
    "batches",
    METADATA,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("expires_at", sa.DateTime),
    sa.Column("snapshot", sa.Text, nullable=False),
    sa.Column("needs_approval", sa.Boolean, nullable=False),
    # JSON list of what spoke against the case then; see `graph.cases.new_evidence`.
    sa.Column("evidence", sa.Text, nullable=False),
    sa.UniqueConstraint("case_id", "version"),
)

DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("decision_id", sa.Text, primary_key=True),
    sa.Column("batch_id", sa.Text, sa.ForeignKey("batches.batch_id"), index=True),
    sa.Column("subject_type", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False, index=True),
    sa.Column("paying", sa.Boolean, nullable=False),
    sa.Column("undoes", sa.Text, unique=True),
)

# The accounts a case was about, so that it follows its cluster when the id changes.
MEMBERS = sa.Table(
    "case_members",
    METADATA,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, primary_key=True, index=True),
)

APPROVALS = sa.Table(
    "approvals",
    METADATA,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("approved", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

NOTES = sa.Table(
    "notes",
    METADATA,
    sa.Column("note_id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False, index=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

ASSIGNMENTS = sa.Table(
    "assignments",
    METADATA,
    sa.Column("assignment_id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False, index=True),
    sa.Column("assignee", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)

VIEWS = sa.Table(
    "views",
    METADATA,
    sa.Column("view_id", sa.Integer, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    # Plain, and erasable: the chain covers its keyed digest.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

# One row; a writer locks it, so that the chain has no forks.
HEAD = sa.Table(
    "audit_head",
    METADATA,
    sa.Column("head_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)


def connect(url: str) -> sa.Engine:
    """An engine whose transactions lock from their start, with all tables made."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        _serialise(engine)
    METADATA.create_all(engine)
    return engine


def _serialise(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _(connection: object, _record: object) -> None:
        # sqlite3 would begin late, at the first write: two readers of one version
        # could then both go on to write.
        connection.isolation_level = None  # type: ignore[attr-defined]
        connection.execute("PRAGMA busy_timeout = 10000")  # type: ignore[attr-defined]
        connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[attr-defined]
        connection.execute("PRAGMA secure_delete = ON")  # type: ignore[attr-defined]

    @sa.event.listens_for(engine, "begin")
    def _(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
