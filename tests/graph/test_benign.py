"""The innocent stories of a cluster: each fits what it tells of, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

from graph.benign import weigh_hypotheses

# A farm: many who took, on few devices, in a time when nobody else came.
FARM: dict[str, float] = {
    "members": 30, "harmed_share": 0.9, "paying_share": 0.0, "closed_share": 0.0,
    "university_share": 0.0, "own_share": 0.0, "device_diversity": 0.1,
    "host_diversity": 0.05, "spread_days": 2.0, "tenant_share": 0.0,
    "invite_share": 0.0, "usual_harm": 0.2, "device_variety": 0.1,
    "client_variety": 0.1, "name_variety": 0.1, "active_days": 2, "runners": 0.0,
    "migrated": 0.0, "rush": 1.0, "share_of_rush": 0.9,
}  # fmt: skip

STORIES: dict[str, dict[str, float]] = {
    "launch spike": {
        "rush": 8.0, "share_of_rush": 0.05, "device_variety": 0.9, "name_variety": 0.9
    },
    "build runners": {"runners": 0.8, "paying_share": 0.4},
    "migration": {"migrated": 0.8, "paying_share": 0.4},
    "campus": {"university_share": 0.9, "device_diversity": 0.9},
    "corporate tenant": {"tenant_share": 0.9},
    "agency": {"paying_share": 0.7},
    "returning people": {"active_days": 12},
}  # fmt: skip


def _told(changed: dict[str, float]) -> set[str]:
    found = weigh_hypotheses(pd.DataFrame([FARM | changed]))
    assert (found["weight"] > 0).all()
    return set(found["hypothesis"])


def test_no_story_explains_a_farm() -> None:
    assert _told({}) == set()


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_told_of_what_it_fits(story: str) -> None:
    assert _told(STORIES[story]) == {story}


@pytest.mark.parametrize("missing", ["rush", "share_of_rush", "device_variety"])
def test_a_farm_within_a_rush_is_no_launch(missing: str) -> None:
    spike = {k: v for k, v in STORIES["launch spike"].items() if k != missing}
    assert "launch spike" not in _told(spike)
