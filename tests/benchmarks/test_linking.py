"""Linking quality: the measures against a brute-force count, the script end to end."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import linking
from benchmarks.methods import METHODS
from benchmarks.quality import ALONE, Ints, alone_as_own, compare
from benchmarks.sharing import gather

LABELS = st.lists(
    st.tuples(st.integers(-1, 3), st.integers(-1, 3)), min_size=1, max_size=12
)


@given(LABELS)
def test_quality_equals_its_definition(labels: list[tuple[int, int]]) -> None:
    found = alone_as_own(np.array([one for one, _ in labels]))
    truth = alone_as_own(np.array([other for _, other in labels]))
    quality = compare(*(np.array(side) for side in zip(*labels, strict=True)))
    made, wanted = (
        {pair for pair in combinations(range(len(side)), 2) if _same(side, *pair)}
        for side in (found, truth)
    )
    both = len(made & wanted)
    assert quality.pair_precision == pytest.approx(both / len(made) if made else 1)
    assert quality.pair_recall == pytest.approx(both / len(wanted) if wanted else 1)
    shares = [
        np.sum((found == f) & (truth == t)) / np.sum(found == f)
        for f, t in zip(found, truth, strict=True)
    ]
    assert quality.b_precision == pytest.approx(np.mean(shares))


def _same(side: Ints, one: int, other: int) -> bool:
    return bool(side[one] == side[other])


def test_a_loner_in_a_cluster_of_five_is_astray() -> None:
    assert compare(np.zeros(5, int), np.array([0, 0, 0, 0, ALONE])).astray == 1
    assert compare(np.zeros(4, int), np.array([0, 0, 0, ALONE])).astray == 0


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_a_plain_farm(method: str) -> None:
    created = np.r_[np.arange(8) * 60.0, np.linspace(0, 9e6, 192)]
    frame = pd.DataFrame({"account": range(8), "kind": "device", "identifier": "d"})
    labels = METHODS[method](gather(frame, created))
    assert np.unique(labels[:8]).size == 1
    assert not np.isin(labels[8:], labels[:8]).any()


def _write_airdrop(folder: Path) -> None:
    folder.mkdir()
    names = [f"0x{number:02}" for number in range(40)]
    pd.DataFrame({"address": names, "first_use_unix": range(0, 4000, 100)}).to_csv(
        folder / "accounts.csv.gz", index=False
    )
    farm = names[:6]
    pd.DataFrame(
        {"from": "0xff", "to": farm, "from_is_account": 0, "to_is_account": 1}
    ).to_csv(folder / "transfers.csv.gz", index=False)
    pd.DataFrame(
        {
            "address": names,
            "is_sybil": [int(name in farm) for name in names],
            "label_source": ["report" if name in farm else None for name in names],
            "sybil_cluster": ["one" if name in farm else None for name in names],
        }
    ).to_csv(folder / "truth_dev.csv.gz", index=False)


def _write_records(folder: Path) -> None:
    folder.mkdir()
    people = pd.DataFrame(
        {
            "unique_id": range(4), "cluster": [0, 0, 1, 2], "email": list("aabc"),
            "first_name": "ann", "surname": "lee", "dob": list("1123"),
            "first_and_surname": "ann lee", "postcode_fake": list("xxyz"),
        }
    )  # fmt: skip
    people.to_csv(folder / "fake_1000.csv", index=False)
    people.to_parquet(folder / "historical_figures_with_errors_50k.parquet")
    febrl = pd.DataFrame(
        {
            "rec_id": ["rec-1-org", "rec-1-dup-0", "rec-2-org"],
            " given_name": " ann", " surname": " lee", " street_number": " 1",
            " postcode": [" 1", " 1", " 2"], " date_of_birth": " 19000101",
            " soc_sec_id": [" 1", " 1", " 2"],
        }
    )  # fmt: skip
    for name in ("febrl_dataset3", "febrl_dataset4a", "febrl_dataset4b"):
        febrl.to_csv(folder / f"{name}.csv", index=False)


def test_the_script_measures_and_writes_its_page(tmp_path: Path) -> None:
    _write_airdrop(tmp_path / "airdrop")
    _write_records(tmp_path / "records")
    page, results = tmp_path / "linking.md", tmp_path / "results"
    status = linking.main(
        [f"--airdrop={tmp_path / 'airdrop'}", f"--records={tmp_path / 'records'}",
         f"--results={results}", f"--page={page}"]
    )  # fmt: skip
    assert status == 0
    rows = json.loads((results / "linking.json").read_text())
    everything = "components, all identifiers"
    found = {row["data"]: row for row in rows if row["method"] == everything}
    assert found["airdrop report"]["pair_f1"] == 1
    assert found["fake_1000"]["pair_recall"] == 1
    assert page.read_text().count("| Ringfence |") == 6
