"""Devices: the id under its scheme; ids of different schemes never meet."""

from __future__ import annotations

import re

import pyarrow as pa

from ingest.identifiers import FORMS, SEPARATOR

# What software sends when it has no id: an opted-out advertising id, a failed read.
_PLACEHOLDER = re.compile(
    r"[0\-]*|unknown|null|none|nil|undefined|nan|n/a|default|test|-+", re.IGNORECASE
)
_SCHEMA = pa.schema([(n, FORMS[n]) for n in ("text", "value", "template", "masked")])


def normalise(raw: pa.Array) -> pa.Table:
    """Give each device's form from its scheme and id; a placeholder has none."""
    return pa.Table.from_pylist([_form(text) for text in raw.to_pylist()], _SCHEMA)


def _form(raw: str) -> dict[str, str | None]:
    scheme, _, number = raw.rpartition(SEPARATOR)
    scheme, number = scheme.strip().lower(), number.strip()
    if _PLACEHOLDER.fullmatch(number):
        return dict.fromkeys(_SCHEMA.names)
    return {
        "text": f"{scheme}{SEPARATOR}{number}",
        "value": number,
        "template": scheme or None,
        "masked": f"{number[:4]}•••" if len(number) > 8 else "•••",
    }
