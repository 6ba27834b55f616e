"""The policy: how many dollars a threshold stops, and how many honest users it hits."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from graph.dossier import Dossier
from graph.policy import RUNGS, THRESHOLDS, curve
from views.columns import ColumnConfigs
from views.desk import BY_SNAPSHOT, desk
from views.palette import BLUE, GREEN, ORANGE, PINK, VERMILLION
from views.words import count, usd

_COLOURS = dict(zip(RUNGS, (GREEN, BLUE, ORANGE, PINK, VERMILLION), strict=True))


def draw() -> None:
    """Choose a threshold and a rung of friction; see what both cost, and the curve."""
    here = desk()
    st.title("Policy")
    st.caption(
        "What acting on every account above a probability is expected to stop and whom "
        "it is expected to hit, from the calibrated probabilities of this snapshot. "
        "How much of the taking a rung stops, and the minutes it asks of an honest "
        "user, are starting values to replace by your own."
    )
    points = _curve(here.dossier)
    threshold, rung = _choice()
    chosen = points[(points["threshold"] == threshold) & (points["rung"] == rung)]
    _figures(chosen.iloc[0])
    chart, table = st.columns([1.5, 1], gap="large")
    with chart:
        st.altair_chart(
            lines(points, threshold, rung),
            alt="Dollars stopped by honest users touched, a line a rung, a point a "
            "threshold; the table beside it has the same points",
        )
    with table:
        st.dataframe(
            points[points["rung"] == rung].drop(columns="rung"),
            hide_index=True,
            row_height=30,
            column_config=_CONFIG,
            alt=f"What each threshold stops and touches at the rung {rung}",
        )


def _choice() -> tuple[float, str]:
    with st.container(horizontal=True, gap="large"):
        threshold = st.select_slider(
            "Act above this probability",
            THRESHOLDS,
            value=0.9,
            format_func=lambda value: f"{value:.0%}",
            key="threshold",
            width=420,
        )
        rung = st.segmented_control(
            "By", list(RUNGS), default="ban", key="rung", required=True
        )
    return float(threshold), str(rung or "ban")


def _figures(chosen: pd.Series) -> None:
    with st.container(horizontal=True, gap="large"):
        st.metric("Accounts", f"{chosen['accounts']:,}", width="content")
        st.metric("Dollars stopped", usd(chosen["dollars_stopped"]), width="content")
        st.metric(
            "Honest users touched", f"{chosen['honest_touched']:,.1f}", width="content"
        )
        st.metric("Of them pay", f"{chosen['paying_touched']:,.1f}", width="content")
        st.metric(
            "Asked of them",
            count(chosen["honest_minutes"] / 60, "hour"),
            width="content",
        )


def lines(
    points: pd.DataFrame, threshold: float, rung: str
) -> alt.LayerChart | alt.FacetChart:
    """A line a rung through its thresholds, the chosen one marked."""
    base = alt.Chart(points, height=380).encode(
        x=alt.X(
            "honest_touched:Q", title="honest users touched",
            scale=alt.Scale(type="symlog"), axis=alt.Axis(grid=False, tickCount=6),
        ),
        y=alt.Y("dollars_stopped:Q", title="dollars stopped",
                axis=alt.Axis(format="$,.0f")),
        color=alt.Color(
            "rung:N", sort=list(RUNGS), legend=alt.Legend(title=None, orient="top"),
            scale=alt.Scale(domain=list(RUNGS), range=list(_COLOURS.values())),
        ),
        order="threshold:Q",
        tooltip=[
            alt.Tooltip("rung:N"),
            alt.Tooltip("threshold:Q", format=".0%"),
            alt.Tooltip("accounts:Q", format=","),
            alt.Tooltip("dollars_stopped:Q", format="$,.0f"),
            alt.Tooltip("honest_touched:Q", format=",.1f"),
        ],
    )  # fmt: skip
    here = (alt.datum.threshold == threshold) & (alt.datum.rung == rung)
    marked = base.transform_filter(here).mark_point(size=260, strokeWidth=3)
    return alt.layer(base.mark_line(point=True, strokeWidth=2), marked)


_CONFIG: ColumnConfigs = {
    "threshold": st.column_config.NumberColumn("Above", format="percent"),
    "accounts": st.column_config.NumberColumn("Accounts", format="localized"),
    "dollars_stopped": st.column_config.NumberColumn("Stopped", format="dollar"),
    "honest_touched": st.column_config.NumberColumn("Honest", format="%.1f"),
    "honest_minutes": st.column_config.NumberColumn("Minutes", format="%.0f"),
    "paying_touched": st.column_config.NumberColumn("Paying", format="%.1f"),
}


@st.cache_data(show_spinner=False, max_entries=2, hash_funcs=BY_SNAPSHOT)
def _curve(dossier: Dossier) -> pd.DataFrame:
    return curve(dossier.snapshot).infer_objects()
