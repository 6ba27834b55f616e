"""Identifiers: every kind's raw text becomes a canonical form, its class and kin.

A normaliser takes distinct raw texts and returns one row for each, with the columns
of `FORMS` that the kind has. What is read from `text`, `prefix`, `stem` and
`skeleton` is hashed under the pepper before it is stored; a row whose `text` is NULL
has no identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

FORMS: Mapping[str, pa.DataType] = {
    "raw": pa.string(),
    "text": pa.string(),
    "class": pa.string(),
    "prefix": pa.string(),
    "domain": pa.string(),
    "asn": pa.int32(),
    "country": pa.string(),
    "template": pa.string(),
    "stem": pa.string(),
    "number": pa.int64(),
    "skeleton": pa.string(),
    "client": pa.string(),
    "masked": pa.string(),
}
"""Columns of a normalised identifier, before hashing."""

Normaliser = Callable[[pa.Array], pa.Table]
