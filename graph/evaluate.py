"""Verdicts held against labels: who was caught, who was wronged, what it saved.

Intervals are exact (Clopper-Pearson, 95 %): zero innocents in 1,000 bans proves no
more than 3 in 1,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta
from sklearn.metrics import average_precision_score

from graph.derived import Snapshot
from ingest.errors import UsageError

_BINS = 15
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9)


@dataclass(frozen=True)
class Evaluation:
    """Tables of one evaluation, by name, in the order in which to read them."""

    tables: dict[str, pd.DataFrame]


def read_labels(path: Path) -> pd.DataFrame:
    """Labels with account_id, abusive (bool), ring_id and, where given, case, level,
    population, victim.

    Raises `UsageError` when a needed column is missing.
    """
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = {"account_id", "abusive", "ring_id"} - set(frame.columns)
    if missing:
        raise UsageError(
            f"{path} lacks {', '.join(sorted(missing))}: "
            "labels need account_id, abusive, ring_id"
        )
    for column in ("case", "level", "population", "victim"):
        if column not in frame:
            frame[column] = ""
    frame["abusive"] = frame["abusive"].str.lower().isin(["true", "1", "yes"])
    frame["victim"] = frame["victim"].str.lower().isin(["true", "1", "yes"])
    return frame.drop_duplicates("account_id")


def evaluate(snapshot: Snapshot, labels: pd.DataFrame) -> Evaluation:
    """Hold the snapshot's verdicts on accounts against labels."""
    return hold(snapshot.connect(), labels)


def hold(connection: duckdb.DuckDBPyConnection, labels: pd.DataFrame) -> Evaluation:
    """Hold the derived table `accounts` of a connection against labels."""
    accounts = connection.execute(
        "SELECT account_id, cluster_id, typology, score, action, role, cost_usd, "
        "paid_usd FROM accounts"
    ).df()
    joined = labels.merge(accounts, on="account_id", how="left")
    joined["action"] = joined["action"].fillna("none")
    joined["score"] = joined["score"].fillna(0.0)
    return Evaluation(
        {
            "summary": _summary(joined),
            "recall by case and level": _recall(joined),
            "recall at lower thresholds": _curve(joined),
            "harm to innocents by population": _innocents(joined),
            "calibration": calibration(
                joined["score"].to_numpy(), joined["abusive"].to_numpy()
            ),
        }
    )


def _summary(joined: pd.DataFrame) -> pd.DataFrame:
    truth = joined["abusive"].to_numpy()
    banned = (joined["action"] == "ban").to_numpy()
    flagged = (joined["action"] != "none").to_numpy()
    wrong = int((banned & ~truth).sum())
    victims = joined["victim"].to_numpy()
    b3 = b_cubed(joined)
    rows = {
        "accounts": len(joined),
        "abusive": int(truth.sum()),
        "banned": int(banned.sum()),
        "in review": int((flagged & ~banned).sum()),
        "precision of bans": _ratio((banned & truth).sum(), banned.sum()),
        "recall of bans": _ratio((banned & truth).sum(), truth.sum()),
        "precision of ban or review": _ratio((flagged & truth).sum(), flagged.sum()),
        "recall of ban or review": _ratio((flagged & truth).sum(), truth.sum()),
        "innocents per 1,000 bans": 1000 * _ratio(wrong, banned.sum()),
        "  exact 95 % upper bound": 1000 * upper_bound(wrong, int(banned.sum())),
        "framed victims banned": int((banned & victims).sum()),
        "framed victims in review": int((flagged & ~banned & victims).sum()),
        "average precision": float(average_precision_score(truth, joined["score"]))
        if truth.any()
        else float("nan"),
        "expected calibration error": calibration_error(
            joined["score"].to_numpy(), truth
        ),
        "B-cubed precision": b3[0],
        "B-cubed recall": b3[1],
        "dollars taken by the abusive": float(joined.loc[truth, "cost_usd"].sum()),
        "  of them by the flagged": float(
            joined.loc[truth & flagged, "cost_usd"].sum()
        ),
        "honest revenue of the banned": float(
            joined.loc[banned & ~truth, "paid_usd"].sum()
        ),
    }
    return pd.DataFrame({"measure": rows.keys(), "value": rows.values()})


def _recall(joined: pd.DataFrame) -> pd.DataFrame:
    guilty = joined[joined["abusive"]].assign(
        banned=lambda f: f["action"] == "ban",
        flagged=lambda f: f["action"] != "none",
        named=lambda f: f["typology"] == f["case"],
    )
    return (
        guilty.groupby(["case", "level"])
        .agg(
            accounts=("abusive", "size"),
            banned=("banned", "mean"),
            banned_or_review=("flagged", "mean"),
            named_right=("named", "mean"),
        )
        .reset_index()
    )


def _curve(joined: pd.DataFrame) -> pd.DataFrame:
    """What looking at everybody above a probability would find, and whom it touches.

    One row a threshold: the recall of each case, and how many innocents stand above.
    """
    rows = []
    for threshold in THRESHOLDS:
        above = joined["score"] >= threshold
        row = {"probability from": threshold}
        for case, members in joined[joined["abusive"]].groupby("case"):
            row[str(case)] = float(above[members.index].mean())
        row["innocents"] = int((above & ~joined["abusive"]).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def _innocents(joined: pd.DataFrame) -> pd.DataFrame:
    innocent = joined[~joined["abusive"]]
    rows = []
    for population, members in innocent.groupby("population"):
        banned = int((members["action"] == "ban").sum())
        review = int((members["action"] == "review").sum())
        low, high = interval(banned, len(members))
        rows.append((population, len(members), banned, review, 1000 * low, 1000 * high))
    return pd.DataFrame(
        rows,
        columns=[
            "population", "accounts", "banned", "review",
            "banned per 1,000, low", "high",
        ],
    )  # fmt: skip


def b_cubed(joined: pd.DataFrame) -> tuple[float, float]:
    """Account-weighted B-cubed precision and recall over the accounts of rings."""
    ringed = joined[joined["ring_id"] != ""]
    if ringed.empty:
        return float("nan"), float("nan")
    alone = "alone:" + ringed["account_id"]
    found = ringed["cluster_id"].fillna("").where(lambda c: c != "", alone)
    together = ringed.groupby([ringed["ring_id"], found])["account_id"].transform(
        "size"
    )
    everyone = joined["cluster_id"].fillna("").where(lambda c: c != "", "")
    sizes = found.map(everyone[everyone != ""].value_counts()).fillna(1.0)
    ring = ringed.groupby("ring_id")["account_id"].transform("size")
    return float((together / sizes).mean()), float((together / ring).mean())


def interval(events: int, trials: int) -> tuple[float, float]:
    """Clopper-Pearson 95 % interval of a rate."""
    low = beta.ppf(0.025, events, trials - events + 1) if events else 0.0
    high = beta.ppf(0.975, events + 1, trials - events) if events < trials else 1.0
    return float(low), float(high)


def upper_bound(events: int, trials: int) -> float:
    """Exact one-sided 95 % upper bound of a rate; 1 without trials."""
    if not trials or events >= trials:
        return 1.0
    return float(beta.ppf(0.95, events + 1, trials - events))


def calibration(
    score: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Reliability in equal-mass bins: mean score beside the share that is abusive."""
    bins = _equal_mass(score)
    frame = pd.DataFrame({"bin": bins, "score": score, "abusive": truth})
    return (
        frame.groupby("bin")
        .agg(accounts=("score", "size"), score=("score", "mean"),
             abusive=("abusive", "mean"))
        .reset_index(drop=True)
    )  # fmt: skip


def calibration_error(
    score: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]
) -> float:
    """Expected calibration error over 15 equal-mass bins."""
    table = calibration(score, truth)
    gap = (table["score"] - table["abusive"]).abs()
    return float((gap * table["accounts"]).sum() / max(table["accounts"].sum(), 1))


def _equal_mass(score: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    order = np.argsort(score, kind="stable")
    bins = np.empty(score.size, dtype=np.int64)
    bins[order] = np.arange(score.size) * _BINS // max(score.size, 1)
    return bins


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
