"""The query console."""

from __future__ import annotations

import streamlit as st


def draw() -> None:
    """Saved queries."""
    st.title("Console")
