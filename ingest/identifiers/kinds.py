"""Every kind of identifier with the function that normalises it."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ingest.identifiers import Normaliser, agent, card, device, key, phone
from ingest.identifiers.email import EmailNormaliser
from ingest.identifiers.ip import IpNormaliser
from ingest.reference import Reference


def further(raw: pa.Array) -> pa.Table:
    """Normalise a kind that has no rules of its own: the text without its edges."""
    text = pc.utf8_trim_whitespace(raw)
    shown = pc.utf8_slice_codeunits(text, 0, 2)
    return pa.table(
        {
            "text": pc.if_else(pc.equal(text, ""), None, text),
            "masked": pc.binary_join_element_wise(shown, "•••", ""),
        }
    )


def normalisers(reference: Reference) -> Mapping[str, Normaliser]:
    """Give the normaliser of each kind that has rules of its own."""
    return {
        "email": EmailNormaliser(reference),
        "phone": phone.normalise,
        "ip": IpNormaliser(reference),
        "device": device.normalise,
        "user_agent": agent.normalise,
        "card": card.normalise,
        "key_hash": key.normalise,
    }
