"""Identifiers: every kind's raw text becomes a canonical form, its class and kin.

A normaliser takes distinct raw texts and returns one row for each, in their order,
with the columns of `FORMS` that the kind has. What stands in `text`, `prefix`, `stem`
and `skeleton` is hashed under the pepper before it is stored; a row whose `text` is
NULL has no identifier. `value` is what the vault keeps, the text unless it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

FORMS: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "value": pa.string(),
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

SEPARATOR = "\x1f"
"""Stands between a device's scheme and id, and between a further kind and its value."""

Normaliser = Callable[[pa.Array], pa.Table]
