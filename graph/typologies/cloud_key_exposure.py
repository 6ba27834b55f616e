"""An exposed key is tried within minutes: exposure, probes, drain.

f(latency) after Entro's mean of 17 minutes and the faster studies: a log-normal with
median 5 minutes and sigma 1.5 for 80 %, flat over 14 days for the rest, against the
pace at which the key met new networks before (detection formula F20).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from graph.typologies.evidence import Evidence, Floats

USUAL_LATENCY_SECONDS = 17 * 60.0
# Says more than the mere absence of harm, and so is what is told.
REVOKED_IN_TIME = -5.5
_MEDIAN_SECONDS, _SIGMA = 300.0, 1.5
_FLAT_SECONDS = 14 * 86400.0


def detect(keys: pd.DataFrame) -> list[Evidence]:
    """Evidence that a key was abused because it was exposed, or revoked in time."""
    latency = latency_seconds(keys)
    after = np.nan_to_num(latency, nan=-1.0) >= 0
    weight = np.where(after, _leak_ratio(np.maximum(latency, 1.0), keys), 0.0)
    weight = np.where(keys["verified"], weight + 1.0, weight)
    gap = (keys["revoked_at"] - keys["exposed_at"]).dt.total_seconds()
    window: Floats = np.asarray(gap, dtype=np.float64)
    unused = np.isnan(latency) & (window >= 0)
    return [
        Evidence(
            "used_after_exposure",
            "key",
            np.clip(np.nan_to_num(weight), 0.0, 5.0),
            "Strangers used it {minutes:.0f} minutes after it was seen in public "
            "(17 are usual) and took ${loss:.2f}; {ending}.",
            {
                "minutes": np.nan_to_num(latency) / 60,
                "loss": keys["foreign_usd"].to_numpy(),
                "ending": _ending(window),
            },
        ),
        Evidence(
            "revoked_in_time",
            "benign",
            np.where(unused, REVOKED_IN_TIME, 0.0),
            "It was revoked {minutes:.0f} minutes after it was seen in public, before "
            "any stranger used it.",
            {"minutes": np.nan_to_num(window) / 60},
        ),
    ]


def _ending(window: Floats) -> npt.NDArray[np.object_]:
    """How each exposure ended, from the seconds between leak and revocation (F21)."""
    hours = pd.Series(window / 3600, dtype=float)
    told = hours.map("it was revoked {:.1f} hours after the leak".format, "ignore")
    return told.astype(object).fillna("it is still alive").to_numpy(dtype=object)


def latency_seconds(keys: pd.DataFrame) -> Floats:
    """Seconds from exposure to the first foreign use; NaN where either is missing."""
    gap = (keys["foreign_first"] - keys["exposed_at"]).dt.total_seconds()
    return np.asarray(gap.to_numpy(dtype=float))


def _leak_ratio(latency: Floats, keys: pd.DataFrame) -> Floats:
    quick = np.exp(-((np.log(latency / _MEDIAN_SECONDS)) ** 2) / (2 * _SIGMA**2)) / (
        latency * _SIGMA * np.sqrt(2 * np.pi)
    )
    leak = 0.8 * quick + np.where(latency < _FLAT_SECONDS, 0.2 / _FLAT_SECONDS, 1e-9)
    life = (keys["last_seen"] - keys["first_seen"]).dt.total_seconds().to_numpy()
    own = np.maximum((keys["networks"] - keys["foreign_networks"]).to_numpy(), 0.0)
    pace = (own + 0.5) / np.maximum(np.nan_to_num(life), 86400.0)
    return np.asarray(np.log(leak / pace))
