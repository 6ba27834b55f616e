"""Linking on real data beside the usual methods; writes docs/linking.md.

Run as `python -m benchmarks.linking --airdrop FOLDER --records FOLDER`. The data are
not part of this project; docs/linking.md says where they come from.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import airdrop, records
from benchmarks.linking_page import page
from benchmarks.methods import METHODS, Method
from benchmarks.quality import Ints, Quality, compare
from benchmarks.sharing import Sharing

ROOT = Path(__file__).parent
Row = dict[str, Any]


def measure(
    sharing: Sharing,
    truths: Mapping[str, tuple[Ints, Ints]],
    methods: Mapping[str, Method] = METHODS,
) -> Iterator[Row]:
    """One row for each method and truth: (accounts judged, their true groups)."""
    for method, link in methods.items():
        begun = time.perf_counter()
        found = link(sharing)
        seconds = time.perf_counter() - begun
        for name, (account, group) in truths.items():
            quality = compare(found[account], group)
            yield {
                "data": name,
                "method": method,
                "seconds": seconds,
                **_figures(quality),
            }


def _figures(quality: Quality) -> Row:
    return {
        **asdict(quality),
        "pair_f1": quality.pair_f1,
        "b_f1": quality.b_f1,
    }


def measure_airdrop(folder: Path) -> list[Row]:
    """Quality on the farms of the airdrop, for each source of labels."""
    sharing, truths = airdrop.load(folder)
    return [
        *measure(sharing, {f"airdrop {t.name}": (t.account, t.group) for t in truths})
    ]


def measure_records(folder: Path) -> list[Row]:
    """Quality on the record sets whose files lie in `folder`."""
    rows: list[Row] = []
    for kind in records.SETS:
        sharing, person = records.load(folder, kind)
        everyone = np.arange(sharing.accounts)
        rows += measure(sharing, {kind.name: (everyone, person)})
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure what is given, keep the figures, write the page."""
    parser = argparse.ArgumentParser(prog="benchmarks.linking", description=__doc__)
    parser.add_argument("--airdrop", type=Path, help="accounts, transfers, truth")
    parser.add_argument("--records", type=Path, help="fake_1000, febrl, historical")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--page", type=Path, default=ROOT.parent / "docs/linking.md")
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    if given.airdrop is not None:
        rows += measure_airdrop(given.airdrop)
    if given.records is not None:
        rows += measure_records(given.records)
    if not rows:
        parser.error("name a folder with --airdrop or --records")
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / "linking.json").write_text(json.dumps(rows, indent=1) + "\n")
    given.page.write_text(page(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
