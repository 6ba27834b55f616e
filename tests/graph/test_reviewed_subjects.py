"""A person's word on an account, key or tenant: it overrides, and it is a reason."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tests.graph.worlds import Event, Judged, judge, made_events

SUBJECTS = {"account": "accounts", "key": "keys", "tenant": "tenants"}


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return made_events(tmp_path_factory.mktemp("world"), 500, 12)


@pytest.fixture(scope="module")
def judged(events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judge(tmp_path_factory.mktemp("judged"), events)


@pytest.fixture(scope="module")
def reviewed(
    events: list[Event], judged: Judged, tmp_path_factory: pytest.TempPathFactory
) -> Judged:
    words: list[Event] = []
    for kind, name in SUBJECTS.items():
        table = judged.table(name, f"{kind}_id")
        accused = table.index[table["action"] != "none"][0]
        trusted = table.index[table["action"] == "none"][0]
        for subject, verdict in ((accused, "legitimate"), (trusted, "abusive")):
            words.append(
                {
                    "event_id": f"word-{subject}",
                    "type": f"{kind}.reviewed",
                    "occurred_at": "2026-05-30T12:00:00Z",
                    f"{kind}_id": subject,
                    "verdict": verdict,
                    "reviewer": "ana",
                }
            )
    return judge(tmp_path_factory.mktemp("reviewed"), [*events, *words])


@pytest.mark.parametrize("kind", SUBJECTS)
def test_the_word_stands_above_the_machine(
    kind: str, judged: Judged, reviewed: Judged
) -> None:
    name = SUBJECTS[kind]
    before = judged.table(name, f"{kind}_id")
    after = reviewed.table(name, f"{kind}_id")
    accused = before.index[before["action"] != "none"][0]
    trusted = before.index[before["action"] == "none"][0]
    assert after.loc[accused, "action"] == "none"
    assert after.loc[accused, "typology"] == ""
    assert after.loc[trusted, "action"] in {"ban", "revoke", "review", "throttle"}
    assert after.loc[accused, "score"] < 0.01
    assert after.loc[trusted, "score"] > 0.99


@pytest.mark.parametrize("kind", SUBJECTS)
def test_the_word_is_a_reason_and_the_reasons_add_up(
    kind: str, judged: Judged, reviewed: Judged
) -> None:
    told = reviewed.connection.execute(
        "SELECT subject_id, sum(weight) AS nats, bool_or(code = 'reviewed') AS said "
        "FROM reasons WHERE subject_type = ? GROUP BY subject_id",
        [kind],
    ).df()
    before = judged.table(SUBJECTS[kind], f"{kind}_id")
    accused = before.index[before["action"] != "none"][0]
    assert accused in set(told.loc[told["said"], "subject_id"])
    scores = reviewed.table(SUBJECTS[kind], f"{kind}_id")["score"]
    claimed = scores.reindex(told["subject_id"]).to_numpy()
    assert np.abs(expit(told["nats"].to_numpy()) - claimed).max() < 1e-4
