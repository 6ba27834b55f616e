"""What the figures say beside each other: ratios, which a machine's speed leaves alone.

A ratio above another run's by half is a regression (`benchmarks.regressions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import Figure

Figures = Mapping[tuple[str, int], Figure]


@dataclass(frozen=True)
class Ratio:
    """Time of some works over that of another at the same size; less is better.

    `aim` is the most it should be, None where nothing was asked for. `each` names
    the figure of `more` to divide the time by (relationships), where rates count.
    """

    name: str
    works: tuple[str, ...]
    beside: str
    aim: float | None = None
    seconds: str = "seconds"
    each: str | None = None


RATIOS: tuple[Ratio, ...] = (
    Ratio(
        "ingest, detect and export over counting the files",
        ("ingest", "detect", "export"),
        "count",
        aim=4.0,
    ),
    Ratio("storing every field unchecked over counting the files", ("store",), "count"),
    Ratio("ingest over counting the files", ("ingest",), "count"),
    Ratio("ingest over storing every field unchecked", ("ingest",), "store"),
    Ratio("detect over counting the files", ("detect",), "count"),
    Ratio(
        "a batch, ingested and detected, over detecting before it",
        ("batch ingest", "batch detect"),
        "detect",
    ),
    Ratio("clusters over reading their columns", ("ringfence",), "scan"),
    Ratio("clusters over NetworkX Louvain", ("ringfence",), "louvain", aim=0.01),
    Ratio("clusters over NetworKit PLM", ("ringfence",), "plm"),
    Ratio("clusters over SciPy components", ("ringfence",), "components"),
    Ratio(
        "a published relationship over a plainly merged one (embedded)",
        ("ringfence embedded",),
        "plain embedded",
        seconds="loading_seconds",
        each="relationships",
    ),
    Ratio(
        "a published relationship over a plainly merged one (Neo4j)",
        ("ringfence neo4j",),
        "plain neo4j",
        seconds="loading_seconds",
        each="relationships",
    ),
    Ratio(
        "a relationship by the importer over one by the driver",
        ("import neo4j",),
        "ringfence neo4j",
        seconds="loading_seconds",
        each="relationships",
    ),
    Ratio(
        "publishing what changed over merging the same rows (embedded)",
        ("change embedded",),
        "plain change embedded",
        seconds="loading_seconds",
    ),
    Ratio(
        "publishing what changed over merging the same rows (Neo4j)",
        ("change neo4j",),
        "plain change neo4j",
        seconds="loading_seconds",
    ),
    Ratio("a drawn cluster over pyvis", ("page cluster",), "page pyvis"),
    Ratio("`ringfence --help` over an empty Python", ("help",), "python"),
    Ratio("`ringfence query` over an empty Python", ("query",), "python"),
)


def numbered(figures: Sequence[Figure]) -> Figures:
    """The figures by work and size."""
    return {(figure.work, figure.size): figure for figure in figures}


def ratios(figures: Sequence[Figure]) -> dict[str, float]:
    """Each ratio that the figures hold, by its name with the size."""
    known = numbered(figures)
    found: dict[str, float] = {}
    for ratio in RATIOS:
        for work, size in known:
            if work == ratio.beside:
                parts = [known.get((own, size)) for own in ratio.works]
                own = [part for part in parts if part is not None]
                if len(own) == len(ratio.works):
                    found[title(ratio, size)] = _over(ratio, own, known[work, size])
    return found


def title(ratio: Ratio, size: int) -> str:
    """The name of a ratio at one size."""
    return f"{ratio.name}, {size:,}" if size else ratio.name


def _over(ratio: Ratio, own: Sequence[Figure], beside: Figure) -> float:
    return sum(_time(ratio, figure) for figure in own) / _time(ratio, beside)


def _time(ratio: Ratio, figure: Figure) -> float:
    if ratio.seconds == "seconds":
        taken = figure.more.get("cold", figure.seconds)
    else:
        taken = figure.more[ratio.seconds]
    return taken / (figure.more[ratio.each] if ratio.each else 1.0)
