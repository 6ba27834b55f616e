"""A frame as a file to download, in which no cell is a formula."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from graph.exports import cells


def csv(frame: pd.DataFrame, columns: Mapping[str, str]) -> bytes:
    """The named columns as CSV; see `graph.exports.cells` for their kinds."""
    with TemporaryDirectory(prefix="ringfence-") as folder, duckdb.connect() as tables:
        out = Path(folder) / "rows.csv"
        tables.register("rows", frame[list(columns)])
        cells.write(tables, "rows", columns, out)
        return out.read_bytes()
