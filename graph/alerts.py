"""What a watcher is told at once: a new case, an exposed key in use, a quota ending.

Each alert has an id of its own made from what it is about, so a receiver that is told
twice knows it. Only ids and figures leave, never a readable identifier.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from graph.derived import Snapshot
from graph.exports.webhook import Message, send, sign

_HOURS_LEFT = 24.0

_ALERTS = """
    SELECT 'case.new' AS kind, cluster_id AS subject, typology,
           action, accounts::DOUBLE AS figure, cost_usd FROM clusters
    WHERE action = 'ban'
    UNION ALL
    SELECT 'key.exposed_and_used', key_id, typology, action, latency_seconds, cost_usd
    FROM keys WHERE typology = 'cloud_key_exposure' AND revoked_at IS NULL
    UNION ALL
    SELECT 'quota.ending', tenant_id, typology, action, hours_to_exhaustion, cost_usd
    FROM tenants WHERE action <> 'none' AND hours_to_exhaustion < ?
    ORDER BY kind, subject
"""


def alerts(snapshot: Snapshot) -> list[Message]:
    """Every alert that the snapshot gives cause for."""
    rows = snapshot.connect().execute(_ALERTS, [_HOURS_LEFT]).fetchall()
    return [
        _message(kind, subject, {"typology": typology, "action": action,
                                 "figure": figure, "cost_usd": cost})
        for kind, subject, typology, action, figure, cost in rows
    ]  # fmt: skip


def tell(
    found: list[Message], told: Path, url: str, secret: str, clock: datetime
) -> int:
    """Send the alerts that `told` does not remember; gives how many were sent.

    `told` is written after the sending, so a crash leads to a second telling under
    the same ids and never to silence.
    """
    known = set(json.loads(told.read_text())) if told.exists() else set()
    fresh = [message for message in found if message.id not in known]
    deliveries = [json.dumps(sign(message, secret, clock)) for message in fresh]
    if deliveries:
        send(deliveries, url, secret, clock)
        swap = told.with_suffix(f".{os.getpid()}")
        swap.write_text(json.dumps(sorted(known | {m.id for m in fresh})))
        swap.replace(told)
    return len(fresh)


def _message(kind: str, subject: str, data: Mapping[str, object]) -> Message:
    digest = hashlib.sha256(f"{kind}\x1f{subject}".encode()).hexdigest()
    return Message(f"msg_{digest[:24]}", kind, {"subject": subject, **data})
