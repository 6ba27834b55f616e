"""Verdicts on keys and tenants held against labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from graph.derived import Snapshot
from graph.dossier.search import Lookup
from ingest.errors import UsageError
from ingest.workspace import Workspace


def evaluate_keys(snapshot: Snapshot, path: Path) -> pd.DataFrame:
    """Precision and recall of replayed keys; latency of the exposed ones.

    Labels have key_id and replayed, and may have exposed and first_abuse_at.
    """
    labels = _read(path, "key_id", "replayed")
    keys = snapshot.connect().execute("SELECT * FROM keys").df()
    joined = labels.merge(keys, on="key_id", how="left")
    truth = _true(joined["replayed"])
    found = joined["action"].fillna("none").ne("none").to_numpy()
    exposed = joined["typology"].eq("cloud_key_exposure").to_numpy()
    rows = {
        "keys": len(joined),
        "replayed": int(truth.sum()),
        "found": int(found.sum()),
        "precision": _ratio((found & truth).sum(), found.sum()),
        "recall": _ratio((found & truth).sum(), truth.sum()),
        "median latency, seconds": float(
            joined.loc[exposed, "latency_seconds"].median()
        ),
        "dollars of thieves": float(joined.loc[found & truth, "cost_usd"].sum()),
    }
    return pd.DataFrame({"measure": rows.keys(), "value": rows.values()})


def evaluate_tenants(
    snapshot: Snapshot, path: Path, workspace: Workspace
) -> pd.DataFrame:
    """Precision and recall of drained tenants, and of naming the right culprit.

    Labels have tenant_id, drained, culprit_type and culprit; an address is readable
    there and a keyed hash in the verdicts.
    """
    labels = _read(path, "tenant_id", "drained", "culprit_type", "culprit")
    address = labels["culprit_type"] == "ip"
    keyed = Lookup.of(workspace).hashes("ip", labels.loc[address, "culprit"].tolist())
    labels.loc[address, "culprit"] = pd.Series(keyed, labels.index[address], dtype=str)
    tenants = snapshot.connect().execute("SELECT * FROM tenants").df()
    joined = labels.merge(tenants, on="tenant_id", how="left", suffixes=("_true", ""))
    truth = _true(joined["drained"])
    found = joined["action"].fillna("none").ne("none").to_numpy()
    right = found & truth & (joined["culprit"] == joined["culprit_true"]).to_numpy()
    rows = {
        "tenants": len(joined),
        "drained": int(truth.sum()),
        "found": int(found.sum()),
        "precision": _ratio((found & truth).sum(), found.sum()),
        "recall": _ratio((found & truth).sum(), truth.sum()),
        "recall with the right culprit": _ratio(right.sum(), truth.sum()),
    }
    return pd.DataFrame({"measure": rows.keys(), "value": rows.values()})


def _read(path: Path, *columns: str) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = set(columns) - set(frame.columns)
    if missing:
        raise UsageError(f"{path} lacks {', '.join(sorted(missing))}")
    return frame.drop_duplicates(columns[0])


def _true(column: pd.Series[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return column.str.lower().isin(["true", "1", "yes"]).to_numpy(dtype=bool)


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
