"""API keys: the SHA-256 that a proxy logs, or the raw key, which becomes it."""

from __future__ import annotations

import hashlib
import re

import pyarrow as pa

from ingest.identifiers import FORMS
from ingest.secrets import is_raw_key

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SCHEMA = pa.schema([(n, FORMS[n]) for n in ("text", "value", "masked")])


def normalise(raw: pa.Array) -> pa.Table:
    """Give each key's form: the lower-case hex SHA-256 of the raw key."""
    return pa.Table.from_pylist([_form(text) for text in raw.to_pylist()], _SCHEMA)


def _form(raw: str) -> dict[str, str | None]:
    text = raw.strip()
    logged = text.lower()
    known = _SHA256.fullmatch(logged) is not None
    digest = logged if known else hashlib.sha256(text.encode()).hexdigest()
    # The plain hash of what may be short or guessable is kept nowhere.
    kept = digest if known or is_raw_key(text) else None
    return {"text": digest, "value": kept, "masked": f"{digest[:4]}•••"}
