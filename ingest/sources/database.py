"""Tables of a database, by its URL, as files that the ledger then reads.

Rows are streamed in pages into gzipped NDJSON, one file a table, in a folder that only
the owner can enter and that is gone afterwards. SQLAlchemy builds every statement from
the reflected table, so no name or value becomes SQL text. PostgreSQL needs the extra
`ringfence[postgres]`; any other database works whose SQLAlchemy driver is installed.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import sqlalchemy as sa

from ingest.errors import UsageError
from ingest.workspace import Workspace

TABLES = {
    "litellm": (
        "LiteLLM_UserTable",
        "LiteLLM_TeamTable",
        "LiteLLM_OrganizationMembership",
        "LiteLLM_VerificationToken",
        "LiteLLM_DeletedVerificationToken",
        "LiteLLM_AuditLog",
        "LiteLLM_SpendLogs",
    ),
}
"""The tables that a source reads from its own database where none are named."""

PAGE = 20_000
"""Rows held in memory at a time."""

# JSON text can hold no control character.
_SEPARATOR = "\x1e"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
# What people wrote or were answered is never read, only counted by the token columns.
_UNREAD = frozenset(
    {"messages", "response", "proxy_server_request", "password", "config"}
)


@dataclass(frozen=True)
class Database:
    """A database by its URL; the password never shows in a message."""

    url: sa.URL

    @classmethod
    def at(cls, text: str) -> Database:
        """Read a URL; raises `UsageError` for what is none."""
        try:
            url = sa.make_url(text)
        except sa.exc.ArgumentError as error:
            raise UsageError(
                "the database URL can't be read: write postgresql://user@host/name"
            ) from error
        return cls(url.set(drivername=_DRIVERS.get(url.drivername, url.drivername)))

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def spooled(
        self, workspace: Workspace, tables: Sequence[str]
    ) -> Iterator[list[Path]]:
        """Write the tables into files; they are gone when the context ends.

        What a run that was killed left behind is swept first. Raises `UsageError` when
        the database or a table can't be read, `BusyError` while another run spools.
        """
        folder = workspace.root / "spool"
        with workspace.lock("spool"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            try:
                yield self._written(folder, tables)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _written(self, folder: Path, tables: Sequence[str]) -> list[Path]:
        try:
            # One connection, closed when it is given back, whatever went wrong.
            engine = sa.create_engine(self.url, poolclass=sa.NullPool)
            with engine.connect() as opened:
                connection = opened.execution_options(
                    stream_results=True, yield_per=PAGE
                )
                return [_spool(connection, name, folder) for name in tables]
        except sa.exc.NoSuchTableError as error:
            raise UsageError(
                f"{self.name} has no table {error}: name one with --table"
            ) from error
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            # The driver's own message may hold the password, so it is left out.
            raise UsageError(
                f"{self.name} can't be read ({type(error).__name__}): check the"
                " address and the rights, and that its driver is installed"
            ) from None


def is_url(text: str) -> bool:
    """Tell a database's URL from a path."""
    return "://" in text


def tables_of(source: str, named: Sequence[str]) -> Sequence[str]:
    """Give the tables to read; raises `UsageError` where nothing says which."""
    if named or source in TABLES:
        return named or TABLES[source]
    raise UsageError(
        f"no table is known for the source {source!r}: name it with --table"
    )


def _spool(connection: sa.Connection, name: str, folder: Path) -> Path:
    schema, _, plain = name.rpartition(".")
    table = sa.Table(
        plain, sa.MetaData(), autoload_with=connection, schema=schema or None
    )
    columns = [column for column in table.columns if column.name not in _UNREAD]
    path = folder / f"{plain}.ndjson.gz"
    query = sa.select(*columns)
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        if connection.dialect.name == "postgresql":
            _spool_texts(file, connection, query)
        else:
            _spool_rows(file, connection, query)
    return path


def _spool_texts(
    file: IO[str], connection: sa.Connection, query: sa.Select[Any]
) -> None:
    """Let the server write the JSON, so that rows pass through as they are."""
    rows = sa.func.row_to_json(sa.literal_column("held"))
    whole = sa.select(sa.cast(rows, sa.Text)).select_from(query.subquery("held"))
    for page in connection.execute(whole).scalars().partitions():
        # A line break may stand between the tokens of a json column.
        joined = _SEPARATOR.join(page).replace("\n", " ")
        file.write(joined.replace(_SEPARATOR, "\n") + "\n")


def _spool_rows(
    file: IO[str], connection: sa.Connection, query: sa.Select[Any]
) -> None:
    for page in connection.execute(query).mappings().partitions():
        file.writelines(json.dumps(dict(row), default=_plain) + "\n" for row in page)


def _plain(value: object) -> object:
    """Write what JSON has no word for; a time without a zone stays without one."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
