"""What a detector yields: weighed, worded, and sorted into families.

A weight is in nats: ln(how likely abuse is to show this / how likely innocence is).
Within a family the strongest speaks, clipped, because its members repeat each other;
families add up, because they are about different things.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# The most each family may say (knowledge of Fellegi-Sunter practice: one family alone
# must not convict). `harm` and `benign` are not control: they are the other gate and
# the innocent explanation.
CAPS: Mapping[str, float] = {
    "payment": 5.0,
    "device": 4.0,
    "contact": 4.0,
    "key": 5.0,
    "timing": 2.0,
    "behaviour": 3.0,
    "network": 1.5,
    "social": 0.5,
    "harm": 3.0,
    "benign": 6.0,
}
# A third party can bring these about: they order the queue and never convict.
FORGEABLE = frozenset({"network", "social"})
CONTROL = frozenset(CAPS) - {"harm", "benign"}
# What the failure of a gate says, in nats: enough to sink any sum of suspicion.
NO_HARM = -5.0
NO_CONTROL = -3.5


_COLUMNS = ("subject_id", "code", "family", "weight", "sentence", "evidence")


@dataclass(frozen=True)
class Evidence:
    """One finding over all subjects of a kind: an array of nats, zero where absent.

    `sentence` is what an investigator reads, with the names of `facts` in braces.
    """

    code: str
    family: str
    weight: Floats
    sentence: str
    facts: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a family that the policy does not know."""
        if self.family not in CAPS:
            raise ValueError(f"evidence {self.code} names no known family")


@dataclass(frozen=True)
class Weighed:
    """Evidence after the rule of families: what each item adds, and the sums."""

    evidence: tuple[Evidence, ...]
    applied: tuple[Floats, ...]
    families: Mapping[str, Floats]

    @property
    def total(self) -> Floats:
        """Nats of all families together, benign and harm included."""
        return np.asarray(sum(self.families.values()), dtype=np.float64)

    @property
    def control(self) -> Floats:
        """Nats for common control that no third party could have forged."""
        solid = [self.families[name] for name in CONTROL - FORGEABLE]
        return np.asarray(sum(np.maximum(values, 0) for values in solid))

    @property
    def speaking(self) -> npt.NDArray[np.int64]:
        """How many families of control, network and social set apart, say a nat."""
        solid = [self.families[name] >= 1.0 for name in sorted(CONTROL - FORGEABLE)]
        return np.asarray(np.sum(solid, axis=0), dtype=np.int64)


def weigh(evidence: Sequence[Evidence], size: int) -> Weighed:
    """Apply the rule of families: the strongest for and against in each, clipped.

    The applied weights of one subject add up to the sum of its families.
    """
    families = {name: np.zeros(size) for name in CAPS}
    best_for = {name: np.zeros(size) for name in CAPS}
    best_against = {name: np.zeros(size) for name in CAPS}
    for item in evidence:
        best_for[item.family] = np.maximum(best_for[item.family], item.weight)
        best_against[item.family] = np.minimum(best_against[item.family], item.weight)
    applied = []
    spoken_for = {name: np.zeros(size, bool) for name in CAPS}
    spoken_against = {name: np.zeros(size, bool) for name in CAPS}
    for item in evidence:
        name, most = item.family, CAPS[item.family]
        speaks_for = (
            (item.weight > 0) & (item.weight == best_for[name]) & ~spoken_for[name]
        )
        speaks_against = (
            (item.weight < 0)
            & (item.weight == best_against[name])
            & ~spoken_against[name]
        )
        spoken_for[name] |= speaks_for
        spoken_against[name] |= speaks_against
        part = np.where(
            speaks_for | speaks_against, np.clip(item.weight, -most, most), 0.0
        )
        families[name] = families[name] + part
        applied.append(part)
    return Weighed(tuple(evidence), tuple(applied), families)


def gates(control: Flags, harm: Flags, *, nothing_taken: str) -> list[Evidence]:
    """What the failure of a gate says against abuse: enough to sink any suspicion.

    `control` and `harm` say which subjects passed; `nothing_taken` is the sentence on
    one without harm.
    """
    return [
        Evidence("no_harm", "benign", np.where(harm, 0.0, NO_HARM), nothing_taken),
        Evidence(
            "control_not_shown",
            "benign",
            np.where(harm & ~control, NO_CONTROL, 0.0),
            "Nothing but forgeable or single signs speaks against it.",
        ),
    ]


def reasons(
    weighed: Weighed, subject_type: str, subject_ids: pd.Series[str], chosen: Flags
) -> pd.DataFrame:
    """Reason rows (see `graph.derived`) of the chosen subjects, ranked by weight."""
    parts = []
    for item, applied in zip(weighed.evidence, weighed.applied, strict=True):
        index = np.flatnonzero(chosen & (np.abs(applied) > 1e-9))
        if not index.size:
            continue
        parts.append(_reason_rows(item, applied, index, subject_ids))
    if not parts:
        return pd.DataFrame(columns=[*_COLUMNS, "subject_type", "rank"])
    frame = pd.concat(parts, ignore_index=True)
    frame["subject_type"] = subject_type
    return rank(frame)


def base_rate_reason(
    subject_type: str, subjects: pd.DataFrame, base_rate: float
) -> pd.DataFrame:
    """The term that the prior adds for each of `subjects` (column subject_id)."""
    return subjects.assign(
        subject_type=subject_type,
        code="base_rate",
        family="prior",
        weight=round(float(logit(base_rate)), 6),
        sentence=f"One in {1 / base_rate:.0f} is expected to be abusive to begin with.",
        evidence=json.dumps({"base_rate": base_rate}),
    )


def rank(frame: pd.DataFrame) -> pd.DataFrame:
    """Number each subject's reasons from the heaviest, ties by code."""
    frame = frame.assign(size=frame["weight"].abs()).sort_values(
        ["subject_type", "subject_id", "size", "code"],
        ascending=[True, True, False, True],
        kind="stable",
    )
    frame["rank"] = frame.groupby(["subject_type", "subject_id"]).cumcount() + 1
    return frame.drop(columns="size").reset_index(drop=True)


def _reason_rows(
    item: Evidence,
    applied: Floats,
    index: npt.NDArray[np.int64],
    subject_ids: pd.Series[str],
) -> pd.DataFrame:
    facts = pd.DataFrame({name: values[index] for name, values in item.facts.items()})
    frame = pd.DataFrame(
        {
            "subject_id": subject_ids.to_numpy()[index],
            "code": item.code,
            "family": item.family,
            "weight": np.round(applied[index], 6),
        }
    )
    frame["sentence"] = _worded(item.sentence, facts, len(frame))
    frame["evidence"] = (
        facts.to_json(orient="records", lines=True, date_format="iso").splitlines()
        if len(facts.columns)
        else "{}"
    )
    return frame


def _worded(sentence: str, facts: pd.DataFrame, rows: int) -> list[str]:
    if facts.empty:
        return [sentence] * rows
    records = facts.to_dict("records")
    return [sentence.format_map(record) for record in records]
