"""What reviews teach, what a threshold costs, and what the log's own time shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graph.calibrate import ISOTONIC_FROM, LEAST_REVIEWS, Floats, recalibrated
from graph.detect import Settings, detect
from graph.policy import POPULATIONS, RUNGS, THRESHOLDS, curve
from graph.replay import replay
from ingest.errors import UsageError
from ingest.ledger import Ledger
from ingest.progress import Report
from ingest.workspace import Workspace
from tests.ingest.sources import company


def _reviewed(size: int) -> tuple[Floats, pd.Series[str]]:
    """Scores of which only half of what they claim is true, and all reviewed."""
    score = np.linspace(0.01, 0.99, size)
    truth = np.random.default_rng(3).random(size) < score / 2
    words = ["abusive" if true else "legitimate" for true in truth]
    return score, pd.Series(words, dtype=object)


def test_a_handful_of_reviews_teaches_nothing() -> None:
    score, word = _reviewed(LEAST_REVIEWS)
    assert (recalibrated(score, word) == score).all()


@pytest.mark.parametrize("size", [600, ISOTONIC_FROM * 2])
def test_many_reviews_mend_a_score_that_claims_too_much(size: int) -> None:
    score, word = _reviewed(size)
    mended = recalibrated(score, word)
    truth = float((word == "abusive").mean())
    assert abs(mended.mean() - truth) < 0.05 < abs(score.mean() - truth)
    assert (np.diff(mended) >= -1e-12).all()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("learning")
    records = folder / "records"
    records.mkdir()
    company.write(records)
    opened = Workspace.open(folder / "workspace")
    Ledger.open(opened).ingest([records])
    return opened


def test_a_stricter_threshold_touches_fewer_and_stops_less(
    workspace: Workspace,
) -> None:
    told: list[Report] = []
    table = curve(detect(workspace, progress=told.append))
    stages = [one for one in told if one.what == "detecting"]
    assert len(stages) == 7
    assert [one.done for one in stages] == sorted(one.done for one in stages)
    assert len(table) == len(RUNGS) * len(THRESHOLDS)
    banned = table[table["rung"] == "ban"].sort_values("threshold")
    for column in ("accounts", "dollars_stopped", "honest_touched"):
        assert banned[column].astype(float).is_monotonic_decreasing
    assert banned["dollars_stopped"].astype(float).iloc[0] > 0
    parts = banned[list(POPULATIONS.values())].astype(float).sum(axis=1)
    assert (parts - banned["honest_touched"].astype(float)).abs().max() < 1e-9


def test_replay_of_an_empty_ledger_names_the_fix(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ringfence ingest"):
        replay(Workspace.open(tmp_path), pd.DataFrame(), timedelta(days=1), Settings())


def test_replay_finds_the_farm_without_looking_ahead(workspace: Workspace) -> None:
    labels = pd.DataFrame({"account_id": [f"auth0|farm{n:03d}" for n in range(20)]})
    labels = labels.assign(abusive=True, case="disposable_signup", level="farm")
    told: list[Report] = []
    step = timedelta(days=3)
    tables = replay(workspace, labels, step, Settings(), told.append)
    assert [one.done for one in told] == list(range(1, len(told) + 1))
    assert {one.total for one in told} == {len(told)}
    speed = tables["time to detect"]
    assert speed["caught"].sum() == 20
    assert (speed["median_hours"] > 0).all()
