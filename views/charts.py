"""The charts: events in swim lanes by time, and places on an offline map."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import altair as alt
import pandas as pd
import streamlit as st

from graph.dossier import Dossier
from graph.dossier.timeline import LANES, busy, timeline
from views.desk import BY_SNAPSHOT, Desk, open_ledger
from views.palette import LANES as LANE_COLOURS
from views.palette import VERMILLION

_WORLD = Path(__file__).parent / "world"


def events_of(
    here: Desk, subject: str, accounts: Sequence[str], keys: Sequence[str] = ()
) -> pd.DataFrame:
    """The binned events of some accounts and keys; see `graph.dossier.timeline`.

    Narrowed to where nearly all of them lie, unless the person wants the whole span.
    """
    whole = (tuple(accounts), tuple(keys))
    frame = _events(here.dossier, *whole, None)
    window = busy(frame) if len(frame) else None
    if window is None:
        return frame
    if st.toggle("Whole span", key=f"span-{subject}", help="Also the few stray events"):
        return frame
    return _events(here.dossier, *whole, window)


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=BY_SNAPSHOT)
def _events(
    dossier: Dossier,
    accounts: tuple[str, ...],
    keys: tuple[str, ...],
    window: tuple[datetime, datetime] | None,
) -> pd.DataFrame:
    with open_ledger(dossier.workspace.root).connect() as ledger:
        return timeline(dossier, ledger, accounts, keys, window)


def swim_lanes(frame: pd.DataFrame) -> alt.Chart:
    """One lane a kind of event; the size says how many; a brush selects time."""
    present = [lane for lane in LANES if lane in set(frame["lane"])]
    colours = [LANE_COLOURS[lane] for lane in present]
    brush = alt.selection_interval(name="time", encodings=["x"])
    base: alt.Chart = alt.Chart(frame, height=34 * len(present) + 30).encode(
        x=alt.X("at:T", title=None, axis=alt.Axis(grid=True, tickCount=10)),
        y=alt.Y(
            "lane:N", sort=present, title=None,
            axis=alt.Axis(ticks=False, domain=False, grid=True, labelPadding=8),
        ),
        size=alt.Size(
            "events:Q", legend=None,
            scale=alt.Scale(type="sqrt", range=[14, 420]),
        ),
        shape=alt.Shape(
            "failed:N", legend=None,
            scale=alt.Scale(domain=["", "failed"], range=["circle", "cross"]),
        ),
        color=alt.Color(
            "lane:N", legend=None, scale=alt.Scale(domain=present, range=colours)
        ),
        opacity=alt.condition(brush, alt.value(0.75), alt.value(0.15)),
        tooltip=[
            alt.Tooltip("at:T", title="around (UTC)", format="%Y-%m-%d %H:%M"),
            alt.Tooltip("what:N", title="event"),
            alt.Tooltip("failed:N", title="outcome"),
            alt.Tooltip("events:Q", format=",", title="events"),
            alt.Tooltip("usd:Q", format="$,.2f", title="dollars"),
        ],
    )  # fmt: skip
    points: alt.Chart = base.mark_point(filled=True, strokeWidth=0)
    return points.add_params(brush)


def world(places: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Countries as circles by accounts on a map that needs no network."""
    located = places.merge(_countries(), on="country")
    land = alt.Chart(_land()).mark_geoshape(
        fill="#8a95a1", fillOpacity=0.25, stroke="#8a95a1", strokeWidth=0.4
    )
    dots = alt.Chart(located).mark_circle(color=VERMILLION, opacity=0.7).encode(
        longitude="longitude:Q",
        latitude="latitude:Q",
        size=alt.Size(
            "accounts:Q", legend=None, scale=alt.Scale(type="sqrt", range=[30, 900])
        ),
        tooltip=[
            alt.Tooltip("name:N", title="country"),
            alt.Tooltip("accounts:Q", format=","),
            alt.Tooltip("addresses:Q", format=","),
            alt.Tooltip("networks:Q", format=","),
        ],
    )  # fmt: skip
    return alt.layer(land, dots).project("equalEarth").properties(height=360)


@cache
def _land() -> alt.InlineData:
    atlas = json.loads((_WORLD / "countries-110m.json").read_text())
    return alt.InlineData(
        values=atlas, format=alt.TopoDataFormat(feature="countries", type="topojson")
    )


@cache
def _countries() -> pd.DataFrame:
    # NA is Namibia, not a missing value.
    return pd.read_csv(_WORLD / "countries.csv", keep_default_na=False)
