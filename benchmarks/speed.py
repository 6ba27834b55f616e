"""Speed and memory of the main work beside floors and rivals.

`python -m benchmarks.speed` measures, keeps the figures in benchmarks/results and
writes docs/performance.md; `--check` measures on less, writes no page and fails where
a ratio is half again worse than the one in benchmarks/baseline.json; `--keep` writes
that baseline anew.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Figure
from benchmarks.performance_page import page
from benchmarks.ratios import ratios
from benchmarks.regressions import regressions
from benchmarks.work import GROUPS, Bench

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
_SMALL = {"accounts": 20_000, "linking": (100_000,), "merged": 20_000}


def measure(bench: Bench, groups: Sequence[str]) -> list[Figure]:
    """The figures of the named groups of work, told on standard error as they come."""
    figures = []
    for group in groups:
        for figure in GROUPS[group](bench):
            sys.stderr.write(
                f"{figure.work:20} {figure.size:>10,}  {figure.seconds:8.2f} s  "
                f"{figure.cpu_seconds:8.2f} cpu  {figure.peak_mb:7.0f} MB\n"
            )
            figures.append(figure)
    return figures


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.speed", description=__doc__)
    parser.add_argument("--accounts", type=int, help="of the made world")
    parser.add_argument("--linking", type=int, nargs="+", help="accounts to cluster")
    parser.add_argument("--merged", type=int, help="relationships for plain MERGE")
    parser.add_argument("--engines", nargs="+", choices=("embedded", "neo4j"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--page", type=Path, default=ROOT / "docs/performance.md")
    return parser.parse_args(words)


def _bench(folder: Path, given: argparse.Namespace) -> Bench:
    sizes: dict[str, Any] = dict(_SMALL) if given.check or given.keep else {}
    for name in ("accounts", "linking", "merged", "engines"):
        value = getattr(given, name)
        if value is not None:
            sizes[name] = tuple(value) if isinstance(value, list) else value
    return Bench(folder=folder, runs=given.runs, **sizes)


def main(words: list[str] | None = None) -> int:
    """Measure, then write the page, keep the baseline, or check against it."""
    given = _arguments(words)
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as folder:
        figures = measure(_bench(Path(folder), given), given.only)
    given.results.mkdir(parents=True, exist_ok=True)
    kept = [asdict(figure) for figure in figures]
    (given.results / "speed.json").write_text(json.dumps(kept, indent=1) + "\n")
    now = ratios(figures)
    if given.keep:
        told = {name: round(ratio, 4) for name, ratio in now.items()}
        given.baseline.write_text(json.dumps(told, indent=1) + "\n")
    elif given.check:
        return _judge(now, json.loads(given.baseline.read_text()))
    else:
        given.page.write_text(page(figures, os.getloadavg()[0]))
    return 0


def _judge(now: dict[str, float], before: dict[str, float]) -> int:
    worse = regressions(now, before)
    for line in worse:
        sys.stdout.write(line + "\n")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
