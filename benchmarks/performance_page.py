"""The page that tells how fast the main work is, and beside what."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.growth import exponents
from benchmarks.measure import Figure
from benchmarks.ratios import RATIOS, ratios, title

_HEAD = """\
# Speed

Made by `make bench`; do not edit by hand. Each figure is the median of its runs, each
run a process of its own; the peak is the largest resident set of any run. `CPU s` is
processor time of that process, which other work on the machine disturbs less than the
clock.

Measured on {machine}.
The load average at the end was {load:.1f}: where that is far above the number of cores,
others took part of the machine and seconds by the clock are too high.
"""


@dataclass(frozen=True)
class Section:
    """One table: its title, what it says before, its works and what they are."""

    title: str
    text: str
    works: dict[str, str]


_SECTIONS: tuple[Section, ...] = (
    Section(
        "From event files to exports",
        "A made world as NDJSON files. The floor is DuckDB reading the same files to "
        "count their lines by type. Our aim, four times the floor, is out of reach: "
        "DuckDB writing every field as the text it is into one Parquet file, with "
        "nothing checked, keyed or compared, takes as long by itself. Of ingest most "
        "goes into the check of every field and the keyed hash of every new "
        "identifier, of detection into grouping texts. Detection therefore reads "
        "events once, holds texts that repeat as codes, and lets go of the tables of "
        "each stage before the next, which keeps it within our two gigabytes.",
        {
            "count": "DuckDB counts by type (the floor)",
            "store": "DuckDB stores every field, unchecked",
            "ingest": "`ringfence ingest`",
            "detect": "`ringfence detect`",
            "export": "`ringfence export accounts`",
        },
    ),
    Section(
        "From observations to clusters",
        "Made observations in Parquet, some eight an account, to a cluster for each "
        "account by identifiers alone (no soft links). `cold` is the first run in a "
        "process without its imports, `warm` a second one. The rivals get the "
        "identifiers that at most 50 accounts share, as integers, and are timed with "
        "that loading; the floor reads the columns that linking needs, once. Only "
        "identifiers whose hash comes twice are compared as text, so two readings of "
        "that column are most of the time. Our aims, 0.3 s warm at 100,000, 3 s cold "
        "at a million, 15 s at ten million and a hundredth of Louvain's time, leave "
        "room for less than two: at ten million one takes half of the 15 s.",
        {
            "scan": "Parquet scan (the floor)",
            "ringfence": "Ringfence",
            "components": "SciPy connected components",
            "plm": "NetworKit PLM on the projection",
            "louvain": "NetworkX Louvain on the projection",
        },
    ),
    Section(
        "Publishing the graph",
        "The snapshot of the made world into an empty database, beside one "
        "`UNWIND … MERGE` a batch over a part of its observations. Rates are "
        "relationships a second, without the start of the database; nodes are "
        "written in that time too. Plain MERGE gets fewer rows, so it meets a database "
        "that is less warmed up. The importer's time holds a stop and a start of the "
        "server. `What changed` is a later snapshot over that graph, in which up to "
        "90,000 relationships have one event more, from its staging to the last row; "
        "its run loads the whole graph before and merges the same rows plainly after, "
        "all of which its first three figures hold. Our aims for it are 10 s embedded "
        "and 5 s in Neo4j; some three of them go to staging all rows and comparing "
        "them with the last ones. What bounds Neo4j is told in [scale.md](scale.md).",
        {
            "ringfence embedded": "`ringfence publish`, embedded",
            "plain embedded": "plain MERGE, embedded",
            "change embedded": "what changed, embedded",
            "plain change embedded": "the same rows by plain MERGE, embedded",
            "ringfence neo4j": "`ringfence publish`, Neo4j",
            "import neo4j": "`ringfence publish --offline`",
            "plain neo4j": "plain MERGE, Neo4j",
            "change neo4j": "what changed, Neo4j",
            "plain change neo4j": "the same rows by plain MERGE, Neo4j",
        },
    ),
    Section(
        "The page",
        "The investigators' page over the snapshot of the made world, in headless "
        "Chromium with software drawing: the queue in a new session, from its "
        "request to the last message; the cluster with the fullest picture in a new "
        "browser profile, from the navigation, or from a click on Open within the "
        "page, to the drawn graph; a click on a node to what it is, in words. The "
        "aims are 0.5, 3 and 0.3 seconds; of a navigation 1.3 seconds pass in "
        "Streamlit's own start before the page is asked for anything. pyvis lays the "
        "same nodes out in an iframe of a bare page; a click there brings nothing "
        "back. CPU s is that of server and browser together, the peak that of the "
        "measuring process.",
        {
            "page queue": "queue",
            "page cluster": "cluster with its graph, by its address",
            "page opened": "cluster with its graph, opened within the page",
            "page click": "click to answer",
            "page pyvis": "pyvis in an iframe, laid out",
        },
    ),
    Section(
        "One more batch",
        "The world's last 50,000 requests again, under new ids, into the workspace of "
        "the first table: what a run from cron costs. The ledger takes in the batch "
        "alone. Where nothing is new detection gives what stands at once, else it "
        "looks at everything again: two seconds, our aim at a million "
        "accounts, are out of reach as long as it does. What stands in the way is "
        "that one account moves others. Each that took without paying is compared "
        "with the next ones in time by eleven habits, its habits are weighed by how "
        "rare they are among all, its sign-up by the sequence of all, so a fresh "
        "account shifts weights of accounts that no identifier ties to it. And what "
        "could be kept between runs is large: three million events with thirty an "
        "account make two million observations. `ringfence replay` "
        "costs one such run a step.",
        {
            "batch ingest": "`ringfence ingest` of the batch",
            "batch detect": "`ringfence detect` after it",
        },
    ),
    Section(
        "Starting",
        "The query runs on a database that is warm.",
        {
            "python": "an empty Python",
            "help": "`ringfence --help`",
            "query": "`ringfence query`",
        },
    ),
)
_COLUMNS = (
    "| work | accounts | s | CPU s | peak MB | more | runs |\n"
    "| --- | ---: | ---: | ---: | ---: | --- | ---: |"
)


def page(figures: Sequence[Figure], load: float) -> str:
    """The whole page; a section without a figure is left out.

    `load` is the machine's load average while the figures were taken.
    """
    machine = (
        f"{os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}"
    )
    parts = [_HEAD.format(machine=machine, load=load)]
    for section in _SECTIONS:
        found = [figure for figure in figures if figure.work in section.works]
        if found:
            parts += [f"## {section.title}\n", section.text + "\n"]
            lines = [_line(section.works[figure.work], figure) for figure in found]
            parts += ["\n".join([_COLUMNS, *lines]) + "\n"]
    return "\n".join([*parts, *_growth(figures), _ratios(figures)])


def _line(name: str, figure: Figure) -> str:
    size = f"{figure.size:,}" if figure.size else ""
    return (
        f"| {name} | {size} | {figure.seconds:.2f} | {figure.cpu_seconds:.2f} | "
        f"{figure.peak_mb:,.0f} | {_more(figure)} | {figure.runs} |"
    )


def _more(figure: Figure) -> str:
    told = figure.more
    words = [
        f"{name} {told[name]:.2f} s" for name in ("cold", "warm") if told.get(name)
    ]
    if told.get("events"):
        words.append(f"{told['events']:,.0f} events")
    if told.get("grouped"):
        words.append(
            f"{told['grouped']:,.0f} accounts joined, at most {told['largest']:,.0f}"
        )
    if told.get("loading_seconds"):
        rate = told["relationships"] / told["loading_seconds"]
        words.append(
            f"{told['relationships']:,.0f} relationships in "
            f"{told['loading_seconds']:.1f} s, {rate:,.0f} a second"
        )
    if told.get("first_load_kb"):
        words.append(f"{told['first_load_kb']:,.0f} kB of data at first")
    if told.get("nodes"):
        words.append(f"{told['nodes']:,.0f} nodes")
    if told.get("database_mb"):
        words.append(f"database {told['database_mb']:,.0f} MB")
    return ", ".join(words)


def _growth(figures: Sequence[Figure]) -> list[str]:
    """The fitted exponents of linking; nothing where it ran at one size only."""
    found = exponents(figures)
    if not found:
        return []
    sizes = sorted(one.size for one in figures if one.work == "ringfence")
    lines = [f"| {name} | {value:.2f} |" for name, value in found.items()]
    head = "| cost | exponent |\n| --- | ---: |"
    told = (
        f"From {sizes[0]:,} to {sizes[-1]:,} accounts, fitted as a power of their "
        "number: 1 is linear, 2 is every pair. `make bench BENCH='--linking 100000 "
        "1000000 10000000'` is the long form.\n"
    )
    return ["## How linking grows\n", told, "\n".join([head, *lines]) + "\n"]


def _ratios(figures: Sequence[Figure]) -> str:
    found = ratios(figures)
    sizes = {figure.size for figure in figures}
    aims = {title(ratio, size): ratio.aim for ratio in RATIOS for size in sizes}
    lines = [
        f"| {name} | {value:.3g} | {_aim(aims.get(name))} |"
        for name, value in found.items()
    ]
    head = "| ratio of times | measured | aim |\n| --- | ---: | ---: |"
    return "\n".join(["## Beside floors and rivals\n", head, *lines]) + "\n"


def _aim(aim: float | None) -> str:
    return "" if aim is None else f"≤ {aim:g}"
