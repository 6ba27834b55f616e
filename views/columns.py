"""The type of what a table's columns are configured by."""

from __future__ import annotations

from collections.abc import Mapping

from streamlit.elements.lib.column_types import ColumnConfig

ColumnConfigs = Mapping[str, ColumnConfig | str | None]
