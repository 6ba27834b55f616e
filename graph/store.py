"""The graph database over Bolt: a Neo4j server, or the embedded default.

`NEO4J_URI`, `NEO4J_USERNAME`, `NEO4J_PASSWORD` and `NEO4J_DATABASE` name a server; with
no `NEO4J_URI` the workspace's own embedded database serves the same Cypher. Only this
module knows the driver. Every statement runs in an explicit transaction, because the
embedded database can tear an auto-committed one.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

import neo4j
import neo4j.exceptions
import neo4j.graph
import neo4j.time

from graph import embedded
from graph.embedded_child import DATABASE
from ingest.errors import StoreError
from ingest.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, object]
T = TypeVar("T")

# A person waits for the answer; the embedded database is soon started again instead.
_RETRY_SECONDS = {"neo4j": 5.0, "embedded": 1.0}
_FETCH = 10_000
_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
_UNUSABLE = (
    "NEO4J_URI can't be used: write it as bolt://127.0.0.1:7687 or neo4j+s://HOST"
)

# What the driver would say on standard error stands in the errors raised here.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


class StoreDownError(StoreError):
    """The database does not answer now; the same call may succeed later."""


@dataclass(frozen=True)
class Address:
    """Where a database listens, and who asks."""

    uri: str
    user: str
    password: str | None
    database: str

    @property
    def place(self) -> str:
        """Host and port alone, fit for a message."""
        parts = urlsplit(self.uri)
        return f"{parts.hostname}:{parts.port or 7687}"

    @classmethod
    def from_environment(cls) -> Address | None:
        """The server that `NEO4J_URI` names, or None.

        Raises `StoreError` for an address that is not Bolt's.
        """
        uri = os.environ.get("NEO4J_URI", "")
        if not uri:
            return None
        if urlsplit(uri).scheme not in _SCHEMES:
            raise StoreError(_UNUSABLE)
        return cls(
            uri=uri,
            user=os.environ.get("NEO4J_USERNAME", "neo4j"),
            password=os.environ.get("NEO4J_PASSWORD"),
            database=os.environ.get("NEO4J_DATABASE", "neo4j"),
        )


@dataclass(frozen=True)
class Plan:
    """How the database would run a statement: its kind and every operator.

    `kind` is the driver's query type: `r` reads, `w` and `rw` write, `s` changes the
    schema. Operators bear no database suffix.
    """

    kind: str
    operators: frozenset[str]


class Transaction:
    """One open transaction: all of its statements happen, or none."""

    def __init__(self, inner: neo4j.ManagedTransaction) -> None:
        self._inner = inner

    def run(
        self, text: str, parameters: Mapping[str, object] | None = None
    ) -> list[Row]:
        """The rows of one statement, with plain Python values."""
        result = self._inner.run(text, dict(parameters or {}))
        return [_plain_row(record) for record in result]


class Store:
    """One graph database, safe to share between threads.

    Use as a context manager, or call `close`. `engine` is `embedded` or `neo4j`.
    """

    def __init__(self, workspace: Workspace, address: Address | None) -> None:
        self._workspace = workspace
        self._address = address
        self._lock = threading.Lock()
        self._seat: embedded.Seat | None = None
        self._connect()

    @classmethod
    def open(cls, workspace: Workspace) -> Store:
        """Connect to the server the environment names, else the embedded database.

        Raises `StoreError` when it can't be reached, started or refuses the password.
        """
        return cls(workspace, Address.from_environment())

    @property
    def engine(self) -> str:
        """Which database this is: `embedded` or `neo4j`."""
        return "neo4j" if self._address else "embedded"

    @property
    def address(self) -> Address:
        """Where this store is connected to, password included: never print it."""
        if self._address is not None:
            return self._address
        if self._seat is None:
            raise StoreError("this store is closed: open another")
        uri = f"bolt://127.0.0.1:{self._seat.port}"
        return Address(uri, embedded.USER, self._seat.password, DATABASE)

    def run(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        write: bool = False,
    ) -> list[Row]:
        """The rows of one statement: column name to plain Python value.

        Times come back as `datetime` in UTC, nodes as `{"labels", "properties"}`,
        relationships as `{"type", "properties"}`. Raises `StoreError`.
        """
        return self.transact(lambda tx: tx.run(text, parameters), write=write)

    def frame(
        self, text: str, parameters: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """The same rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.run(text, parameters))

    def transact(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Do `work` in one transaction; a transient error does it again.

        An embedded database that was killed is started again, once. Raises
        `StoreDownError` when the database does not answer, else `StoreError`.
        """
        try:
            return self._attempt(work, write)
        except StoreDownError:
            if self._address is not None:
                raise
        self._rejoin()
        return self._attempt(work, write)

    def explain(
        self, text: str, parameters: Mapping[str, object] | None = None
    ) -> Plan:
        """What a statement would do, without doing it. Raises `StoreError`."""
        with self._told(), self._session(write=False) as session:
            asked = session.run("EXPLAIN " + text, dict(parameters or {}))
            summary = asked.consume()
        return Plan(summary.query_type or "", frozenset(_operators(summary.plan)))

    def each(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        seconds: float | None = None,
    ) -> Iterator[Row]:
        """The rows of one reading statement, streamed: for what memory can't hold.

        The server ends a statement that takes longer than `seconds`.
        """
        with (
            self._told(),
            self._session(write=False) as session,
            session.begin_transaction(timeout=seconds) as transaction,
        ):
            for record in transaction.run(text, dict(parameters or {})):
                yield _plain_row(record)

    def close(self) -> None:
        """Disconnect; the embedded database ends once nobody uses it."""
        self._driver.close()
        if self._seat is not None:
            self._seat.leave()
            self._seat = None

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _connect(self) -> None:
        if self._address is None:
            self._seat = embedded.join(self._workspace)
        try:
            with self._told():
                self._driver = _driver(self.address, self.engine)
                try:
                    self._driver.verify_connectivity()
                except BaseException:
                    self._driver.close()
                    raise
        except BaseException:
            if self._seat is not None:
                self._seat.leave()
            raise

    def _rejoin(self) -> None:
        """Start the embedded database again; threads that wait find it started."""
        failed = self._seat
        with self._lock:
            if self._seat is failed:
                self._driver.close()
                self._connect()
                if failed is not None:
                    failed.leave()

    def _attempt(self, work: Callable[[Transaction], T], write: bool) -> T:
        with self._told(), self._session(write=write) as session:
            begin = session.execute_write if write else session.execute_read
            return begin(lambda inner: work(Transaction(inner)))

    def _session(self, *, write: bool) -> neo4j.Session:
        return self._driver.session(
            database=self.address.database,
            default_access_mode=neo4j.WRITE_ACCESS if write else neo4j.READ_ACCESS,
            fetch_size=_FETCH,
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the driver's errors into ours, with place and fix."""
        try:
            yield
        except neo4j.exceptions.AuthError as error:
            raise StoreError(_refused(self.address)) from error
        except (
            neo4j.exceptions.ServiceUnavailable,
            neo4j.exceptions.SessionExpired,
        ) as error:
            raise StoreDownError(_silent(self.address, self.engine)) from error
        except neo4j.exceptions.ConfigurationError as error:
            raise StoreError(_UNUSABLE) from error
        except (
            neo4j.exceptions.Neo4jError,
            neo4j.exceptions.DriverError,
        ) as error:
            raise StoreError(_failed(self.address, error)) from error


def _driver(address: Address, engine: str) -> neo4j.Driver:
    known = address.password
    return neo4j.GraphDatabase.driver(
        address.uri,
        auth=(address.user, known) if known is not None else None,
        max_transaction_retry_time=_RETRY_SECONDS[engine],
        connection_timeout=10,
        user_agent="ringfence",
        notifications_min_severity="OFF",
        telemetry_disabled=True,
    )


def _refused(address: Address) -> str:
    return (
        f"the graph database at {address.place} refused the user {address.user!r}: "
        "set NEO4J_USERNAME and NEO4J_PASSWORD to what it knows"
    )


def _silent(address: Address, engine: str) -> str:
    fix = (
        "start it, or unset NEO4J_URI to use the embedded one"
        if engine == "neo4j"
        else "run the command again; it starts anew"
    )
    return f"no graph database answers at {address.place}: {fix}"


def _failed(address: Address, error: Exception) -> str:
    return (
        f"the graph database at {address.place} refused a statement "
        f"({_one_line(error)}): see its log, or publish again"
    )


def _one_line(error: Exception) -> str:
    said = getattr(error, "message", None) or str(error)
    return " ".join(str(said).split())[:300]


def _operators(plan: Mapping[str, Any] | None) -> Iterator[str]:
    if plan is None:
        return
    yield str(plan["operatorType"]).partition("@")[0]
    for child in plan.get("children", ()):
        yield from _operators(child)


def _plain_row(record: neo4j.Record) -> Row:
    return {name: _plain(record[name]) for name in record.keys()}  # noqa: SIM118


def _plain(value: object) -> object:
    """A value without the driver's own types."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, neo4j.time.DateTime):
        return value.to_native().astimezone(UTC)
    if isinstance(value, neo4j.graph.Node):
        return {"labels": sorted(value.labels), "properties": _plain(dict(value))}
    if isinstance(value, neo4j.graph.Relationship):
        return {"type": value.type, "properties": _plain(dict(value))}
    return value
