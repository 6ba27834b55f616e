"""A frame as a file to download, in which no cell is a formula.

Streamlit's own download of a table is switched off (.streamlit/config.toml).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd
import streamlit as st

from graph.exports import cells


def button(
    label: str, frame: pd.DataFrame, columns: Mapping[str, str], name: str, key: str
) -> None:
    """A button that downloads `columns` of the frame as `ringfence-NAME.csv`."""
    st.download_button(
        label,
        data=partial(csv, frame, columns),
        file_name=f"ringfence-{name}.csv",
        on_click="ignore",
        icon=":material/download:",
        key=key,
    )


def csv(frame: pd.DataFrame, columns: Mapping[str, str]) -> bytes:
    """The named columns as CSV; see `graph.exports.cells` for their kinds."""
    with TemporaryDirectory(prefix="ringfence-") as folder, duckdb.connect() as tables:
        out = Path(folder) / "rows.csv"
        tables.register("rows", frame[list(columns)])
        cells.write(tables, "rows", columns, out)
        return out.read_bytes()
