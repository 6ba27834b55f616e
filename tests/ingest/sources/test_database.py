"""Tables of a real PostgreSQL and of SQLite come into the ledger by their URL."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.errors import UsageError
from ingest.ledger import Ledger
from ingest.sources.database import Database, is_url, tables_of

TOKEN = "c" * 64
# The columns that the source reads, as LiteLLM's migrations declare them.
SCHEMA = """
    CREATE TABLE "LiteLLM_SpendLogs" (
        request_id text PRIMARY KEY, call_type text, api_key text, spend float8,
        prompt_tokens int, completion_tokens int, "startTime" timestamp(3),
        model text, "user" text, metadata jsonb, request_tags jsonb, team_id text,
        organization_id text, end_user text, requester_ip_address text, status text,
        messages jsonb);
    CREATE TABLE "LiteLLM_VerificationToken" (
        token text PRIMARY KEY, key_name text, spend float8, expires timestamp(3),
        allowed_routes text[], user_id text, team_id text, organization_id text,
        blocked bool, created_at timestamp(3), updated_at timestamp(3));
    CREATE TABLE "LiteLLM_UserTable" (
        user_id text PRIMARY KEY, user_email text, sso_user_id text, team_id text,
        organization_id text, spend float8, password text, created_at timestamp(3));
"""
SPEND = sa.text("""
    INSERT INTO "LiteLLM_SpendLogs"
    SELECT 'req-' || n, 'acompletion', :token, 0.25, 10, 20,
           timestamp '2025-01-01' + n * interval '1 second', 'gpt-4o', 'user_1',
           '{"user_agent": "curl/8.5.0"}', '[]', 'team_1', NULL, NULL,
           '203.0.113.7', 'success', '{"role": "never read this"}'
    FROM generate_series(1, 50) AS n
""")
KEY = sa.text("""
    INSERT INTO "LiteLLM_VerificationToken" VALUES (:token, 'sk-...1', 1, NULL,
        '{llm_api_routes}', 'user_1', 'team_1', NULL, NULL, '2025-01-01', '2025-01-02')
""")
USER = sa.text("""
    INSERT INTO "LiteLLM_UserTable" VALUES
        ('user_1', 'ann@example.com', NULL, NULL, NULL, 1, 'hash of it', '2025-01-01')
""")
NAMES = ("LiteLLM_SpendLogs", "LiteLLM_VerificationToken", "LiteLLM_UserTable")


def programs() -> Path:
    """Find PostgreSQL's server programs, which the path often lacks."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.fail("PostgreSQL's server is not installed: apt-get install postgresql")
    return found[-1].parent


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL of its own, on a free port of the loopback."""
    # The server refuses to run as root, and others can't enter pytest's folder.
    user = "nobody" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="ringfence-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, bin_ = folder / "data", programs()
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -F"
    control = [bin_ / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]

    def run(*command: object) -> None:
        subprocess.run(
            [str(one) for one in command],
            check=True,
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )

    run(bin_ / "initdb", "-D", data, "-U", "reader", "-A", "trust", "--no-sync")
    run(*control, "-o", options, "start")
    try:
        yield f"postgresql://reader:hidden@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_litellm_is_read_from_its_postgresql(postgres: str, ledger: Ledger) -> None:
    database = Database.at(postgres)
    engine = sa.create_engine(database.url)
    with engine.begin() as connection:
        connection.execute(sa.text(SCHEMA))
        connection.execute(SPEND, {"token": TOKEN})
        connection.execute(KEY, {"token": TOKEN})
        connection.execute(USER)
    engine.dispose()
    with database.spooled(ledger.workspace, NAMES) as paths:
        first = ledger.ingest(paths, "litellm")
        again = ledger.ingest(paths, "litellm")
        texts = [path.read_bytes() for path in paths]
    assert (first.accepted, first.quarantined) == (52, 0)
    assert (again.accepted, again.duplicate) == (0, 52)
    assert len(texts) == 3
    assert not any(path.exists() for path in paths)
    with ledger.connect() as reading:
        rows = reading.sql(
            "SELECT count(*), sum(cost_usd)::DOUBLE, min(occurred_at)::VARCHAR,"
            " any_value(key_id) FROM events WHERE type = 'usage.recorded'"
        ).fetchall()
        scopes = reading.sql(
            "SELECT scopes FROM events WHERE type = 'key.created'"
        ).fetchall()
    assert rows == [(50, 12.5, "2025-01-01 00:00:01", TOKEN)]
    assert scopes == [("llm_api_routes",)]


def test_what_people_wrote_is_not_read(postgres: str, ledger: Ledger) -> None:
    with Database.at(postgres).spooled(ledger.workspace, NAMES) as paths:
        text = "".join(gzip.decompress(path.read_bytes()).decode() for path in paths)
    assert "never read this" not in text
    assert "hash of it" not in text
    assert "ann@example.com" in text


def test_a_missing_table_is_named(postgres: str, ledger: Ledger) -> None:
    database = Database.at(postgres)
    with (
        pytest.raises(UsageError, match="has no table gone"),
        database.spooled(ledger.workspace, ["gone"]),
    ):
        pass


def test_a_password_never_shows(ledger: Ledger) -> None:
    database = Database.at("postgresql://reader:hidden@127.0.0.1:9/none")
    with (
        pytest.raises(UsageError, match="can't be read") as raised,
        database.spooled(ledger.workspace, ["any"]),
    ):
        pass
    assert "hidden" not in str(raised.value)
    assert "hidden" not in repr(raised.value.__context__)


def test_any_database_is_read_through_a_mapping(tmp_path: Path, ledger: Ledger) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE users (id INTEGER, at TEXT)"))
        rows: list[dict[str, object]] = [{"id": 1 << 60, "at": "2025-01-01 00:00:00"}]
        rows.append({"id": None, "at": "x"})
        connection.execute(sa.text("INSERT INTO users VALUES (:id, :at)"), rows)
    engine.dispose()
    mapping = tmp_path / "users.yaml"
    mapping.write_text(
        "events:\n- type: account.closed\n  account_id: '{id}'\n"
        "  occurred_at: {from: '{at}', as: utc}\n"
    )
    with Database.at(url).spooled(ledger.workspace, ["users"]) as paths:
        counts = ledger.ingest(paths, str(mapping))
    with ledger.connect() as reading:
        ids = reading.sql("SELECT account_id FROM events").fetchall()
    assert (counts.accepted, counts.quarantined) == (1, 1)
    assert ids == [(str(1 << 60),)]


def test_tables_are_known_or_must_be_named() -> None:
    assert "LiteLLM_SpendLogs" in tables_of("litellm", [])
    assert tables_of("stripe", ["charges"]) == ["charges"]
    with pytest.raises(UsageError, match="--table"):
        tables_of("stripe", [])
    with pytest.raises(UsageError, match="can't be read"):
        Database.at("not a url")
    assert is_url("postgresql://host/db")
    assert not is_url("/var/log/spend.jsonl")
