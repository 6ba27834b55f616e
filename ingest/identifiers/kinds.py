"""Every kind of identifier with the function that normalises it."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ingest.identifiers import Normaliser


def _stripped(raw: pa.Array) -> pa.Table:
    text = pc.utf8_trim_whitespace(raw)
    return pa.table({"text": text})


FURTHER: Normaliser = _stripped
"""Normalises the kinds that have no rules of their own."""

NORMALISERS: Mapping[str, Normaliser] = {}
