"""From observations to clusters: ours, its rivals and its floor, one a process.

Run as `python -m benchmarks.clusters METHOD FOLDER`, where FOLDER holds what
`benchmarks.made_observations.make` wrote. Prints one JSON line: seconds of the first
run (`cold`, without the imports) and its processor time (`work`), with `--again` of a
second one in the same process (`warm`), and how many accounts are in groups of two or
more.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from benchmarks.made_observations import Made
from benchmarks.sharing import Ints, Sharing
from graph.link import Edges
from ingest.workspace import Resources

_TYPES = ("device", "card", "phone", "email", "ip")

_SCAN = """
    SELECT sum(count), max(first_seen), max(identifier), max(account_id)
    FROM observations WHERE kind IN (SELECT unnest(?))
"""
_NUMBERED = """
    WITH people AS (
        SELECT account_id, (row_number() OVER (ORDER BY created_at, account_id)) - 1
               AS account FROM accounts),
    shared AS (
        SELECT kind, identifier, row_number() OVER () - 1 AS number
        FROM observations WHERE kind IN (SELECT unnest(?))
        GROUP BY kind, identifier HAVING count(*) BETWEEN 2 AND ?)
    SELECT account, number FROM observations
    JOIN shared USING (kind, identifier) JOIN people USING (account_id)
    ORDER BY number, account
"""
# The ledger's view tells which values could not be read; of made ones none.
_ALL_READABLE = """
    CREATE VIEW identifiers AS
    SELECT '' AS kind, '' AS identifier, '' AS class WHERE false
"""
_COUNT = "SELECT count(*) FROM accounts"


def _connect(made: Made) -> duckdb.DuckDBPyConnection:
    resources = Resources.from_environment()
    connection = duckdb.connect(
        config={"memory_limit": resources.memory, "threads": resources.threads}
    )
    connection.execute("SET enable_progress_bar = false")
    connection.read_parquet(made.observations).create_view("observations")
    connection.read_parquet(str(made.accounts)).create_view("accounts")
    connection.execute(_ALL_READABLE)
    return connection


def scan(made: Made) -> Ints:
    """The floor: read every column that linking needs, once."""
    with _connect(made) as connection:
        connection.execute(_SCAN, [list(_TYPES)]).fetchall()
    return np.zeros(0, np.int64)


def ringfence(made: Made) -> Ints:
    """Score identifiers, drop the rest, join the accounts on what remains."""
    from graph.communities import join
    from graph.kinship import Kin
    from graph.link import score_identifiers, shared_edges, usual_span

    empty = np.zeros(0, np.int64)
    with _connect(made) as connection:
        profiles = connection.table("accounts").df()
        edges = shared_edges(connection, profiles)
    created = profiles["created_at"].astype("datetime64[s]").astype("int64")
    seconds = created.to_numpy().astype(float)
    score = score_identifiers(
        edges, seconds, np.zeros(len(profiles), bool), usual_span(seconds)
    )
    return join(len(profiles), edges, score, Kin(empty, empty, np.zeros(0), {}))


def _rival(method: Callable[[Sharing], Ints], most: int) -> Callable[[Made], Ints]:
    def run(made: Made) -> Ints:
        with _connect(made) as connection:
            (accounts,) = connection.execute(_COUNT).fetchall()[0]
            columns = connection.execute(_NUMBERED, [list(_TYPES), most]).fetchnumpy()
        number = np.asarray(columns["number"], np.int64)
        # The rivals ask nothing of an identifier but that it be there.
        nameless = pd.DataFrame(index=range(int(number.max(initial=-1)) + 1))
        edges = Edges(np.asarray(columns["account"], np.int64), number, nameless)
        return method(Sharing(accounts, edges, np.zeros(accounts)))

    return run


def _components(made: Made) -> Ints:
    from benchmarks.methods import components

    return _rival(components(), 50)(made)


def _louvain(made: Made) -> Ints:
    from benchmarks.methods import louvain

    return _rival(louvain, 50)(made)


def _plm(made: Made) -> Ints:
    from benchmarks.methods import plm

    return _rival(plm, 50)(made)


METHODS: dict[str, Callable[[Made], Ints]] = {
    "scan": scan,
    "ringfence": ringfence,
    "components": _components,
    "louvain": _louvain,
    "plm": _plm,
}


def main(method: str, folder: Path, again: bool) -> None:
    """Run one method, twice if `again`, and print its figures."""
    seconds: list[float] = []
    work: list[float] = []
    for _ in range(2 if again else 1):
        begun, busy = time.perf_counter(), time.process_time()
        labels = METHODS[method](Made(folder))
        seconds.append(time.perf_counter() - begun)
        work.append(time.process_time() - busy)
    _, sizes = np.unique(labels[labels >= 0], return_counts=True)
    told = {
        "cold": seconds[0],
        "work": work[0],
        "grouped": int(sizes[sizes >= 2].sum()),
        "largest": int(sizes.max(initial=0)),
    }
    if again:
        told["warm"] = seconds[1]
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), again="--again" in sys.argv)
