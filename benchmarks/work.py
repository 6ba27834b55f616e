"""The pieces of work that are measured, each beside its floor or rival."""

from __future__ import annotations

import itertools
import json
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks import made_observations
from benchmarks.measure import Figure, Run, repeat, run
from demo.shape import Shape
from demo.world import make
from graph import embedded, neo4j_local
from ingest.workspace import Workspace

# Only these methods end in reasonable time beyond a hundred thousand accounts.
_AT_ANY_SIZE = ("scan", "ringfence", "components")
_MANY = 200_000
# Medians of fewer clicks would hang on which nodes were hit.
_PAGE_TIMES = 5
_BATCH = 50_000
_PYTHON = sys.executable
# Measured work must neither read nor write what belongs to the user.
_OWN = {
    "NEO4J_URI": "",
    "RINGFENCE_PEPPER": "a fixed pepper of the benchmarks, never of a company",
}


@dataclass(frozen=True)
class Bench:
    """Where to measure, how often, and on how much.

    `accounts` and `mean_events` make the world, `linking` lists the numbers of
    accounts to cluster, `merged` is how many relationships plain MERGE gets to load.
    """

    folder: Path
    runs: int = 3
    accounts: int = 100_000
    mean_events: float = 32.0
    linking: tuple[int, ...] = (100_000, 1_000_000)
    merged: int = 100_000
    engines: tuple[str, ...] = ("embedded", "neo4j")

    @property
    def workspace(self) -> Path:
        """The workspace that events, publishing and start share."""
        return self.folder / "workspace"

    def ringfence(self, *words: str) -> Run:
        """Run one command of ours on the workspace."""
        where = ("--workspace", str(self.workspace))
        return run([_PYTHON, "-m", "ringfence", *where, *words], _OWN)

    def module(self, name: str, *words: str, **environment: str) -> Run:
        """Run one script of the benchmarks."""
        return run([_PYTHON, "-m", f"benchmarks.{name}", *words], _OWN | environment)


def events(bench: Bench) -> Iterator[Figure]:
    """From event files to exports, beside DuckDB counting the same files by type."""
    world = bench.folder / "world"
    told = make(
        world,
        accounts=bench.accounts,
        seed=3,
        shape=Shape(mean_events=bench.mean_events, formats=("ndjson",)),
    )
    size, files = bench.accounts, str(world / "events")
    stored = bench.folder / "events.parquet"
    count = {"events": float(sum(told.counts.values()))}

    def ingest() -> Run:
        shutil.rmtree(bench.workspace, ignore_errors=True)
        return bench.ringfence("ingest", files)

    works: dict[str, Callable[[], Run]] = {
        "count": lambda: bench.module("counting", files),
        "store": lambda: bench.module("counting", files, str(stored)),
        "ingest": ingest,
        "detect": lambda: bench.ringfence("detect", "--anew"),
        "export": lambda: bench.ringfence(
            "export", "accounts", "--out", str(bench.folder / "accounts.csv")
        ),
    }
    for work, once in works.items():
        yield repeat(work, size, bench.runs, once, lambda _: count)


def batch(bench: Bench) -> Iterator[Figure]:
    """Some more events for a workspace that has been detected in, from log to verdicts.

    They are the world's last requests under new ids, so whoever is busy is touched.
    """
    logs = sorted((bench.folder / "world" / "events").glob("usage-*.ndjson"))
    texts = (log.read_text() for log in logs[-2:])
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    lines = lines[-_BATCH:]
    count = {"events": float(len(lines))}
    made = itertools.count()

    def ingest() -> Run:
        fresh = f'"event_id":"again-{next(made)}-'
        log = bench.folder / "batch.ndjson"
        log.write_text("".join(line.replace('"event_id":"', fresh) for line in lines))
        return bench.ringfence("ingest", str(log))

    works = {
        "batch ingest": ingest,
        "batch detect": lambda: bench.ringfence("detect", "--anew"),
    }
    for work, once in works.items():
        yield repeat(work, bench.accounts, bench.runs, once, lambda _: count)


def clusters(bench: Bench) -> Iterator[Figure]:
    """From observations to clusters at each size."""
    from benchmarks.clusters import METHODS

    for size in bench.linking:
        folder = bench.folder / f"observations-{size}"
        made_observations.make(folder, size)
        for method in METHODS if size <= _MANY else _AT_ANY_SIZE:
            yield _cluster(bench, method, folder, size)
        shutil.rmtree(folder)


def _cluster(bench: Bench, method: str, folder: Path, size: int) -> Figure:
    slow = method == "louvain"
    again = () if slow else ("--again",)
    return repeat(
        method,
        size,
        1 if slow else bench.runs,
        lambda: bench.module("clusters", method, str(folder), *again),
        _told,
    )


def _told(one: Run) -> Mapping[str, float]:
    told: dict[str, float] = json.loads(one.said)
    return told


def publishing(bench: Bench) -> Iterator[Figure]:
    """Loading the graph into either database, each beside plain MERGE."""
    for engine in bench.engines:
        importing = ("import",) if engine == "neo4j" else ()
        for method in ("ringfence", *importing, "plain", "change"):
            figure = repeat(
                f"{method} {engine}",
                bench.accounts,
                bench.runs,
                partial(_load, bench, method, engine),
                _told,
            )
            yield figure
            if method == "change":
                yield _plainly(figure, engine)


def _plainly(figure: Figure, engine: str) -> Figure:
    """The merge of the same rows, which the run of `change` ends with."""
    seconds = figure.more["plain_seconds"]
    told = {**figure.more, "loading_seconds": seconds}
    return replace(figure, work=f"plain change {engine}", more=told)


def _load(bench: Bench, method: str, engine: str) -> Run:
    target = bench.folder / "graph"
    shutil.rmtree(target, ignore_errors=True)
    places = (str(bench.workspace), str(target), str(bench.merged))
    with _database(engine, target) as reached:
        return bench.module("publishing", method, *places, **reached)


@contextmanager
def _database(engine: str, target: Path) -> Iterator[dict[str, str]]:
    """An empty database of a workspace, and what in the environment names it."""
    workspace = Workspace.open(target)
    try:
        if engine == "neo4j":
            lines = neo4j_local.start(workspace, port=0)
            yield {
                "NEO4J_URI": lines[0].partition("NEO4J_URI=")[2],
                "NEO4J_PASSWORD": (target / "neo4j" / "password").read_text().strip(),
            }
        else:
            yield {"NEO4J_URI": ""}
    finally:
        neo4j_local.stop(workspace)
        embedded.stop(workspace)


def starting(bench: Bench) -> Iterator[Figure]:
    """How long a command takes that has next to nothing to do."""
    bare = [_PYTHON, "-c", "pass"]
    yield repeat("python", 0, bench.runs, lambda: run(bare))
    yield repeat("help", 0, bench.runs, lambda: bench.ringfence("--help"))
    try:
        bench.ringfence("publish")
        query = ("query", "clusters_by_cost")
        yield repeat("query", 0, bench.runs, lambda: bench.ringfence(*query))
    finally:
        embedded.stop(Workspace.open(bench.workspace))


def page(bench: Bench) -> Iterator[Figure]:
    """The investigators' page over the world's workspace, in Chromium where it is."""
    from tests.views.browser import CHROMIUM

    if not CHROMIUM.exists():
        sys.stderr.write(f"no {CHROMIUM}: the page is not measured\n")
        return
    times = max(bench.runs, _PAGE_TIMES)
    one = bench.module("page", str(bench.workspace), str(times))
    told = json.loads(one.said)
    more = {
        "queue": {"first_load_kb": told["first_load_kb"]},
        "cluster": {"nodes": float(told["nodes"])},
    }
    for work, taken in told["works"].items():
        yield Figure(
            work=f"page {work}",
            size=bench.accounts,
            runs=len(taken["seconds"]),
            seconds=statistics.median(taken["seconds"]),
            cpu_seconds=statistics.median(taken["cpu_seconds"]),
            peak_mb=one.peak_mb,
            more=more.get(work, {}),
        )


GROUPS = {
    "events": events,
    "clusters": clusters,
    "publishing": publishing,
    "starting": starting,
    "page": page,
    "batch": batch,
}
