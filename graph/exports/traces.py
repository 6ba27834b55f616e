"""Readable identifiers of banned subjects, and of nobody else.

An identifier leaves only when every account seen with it is itself banned by a
decision in force: a shared address or card would ban the innocent along. Addresses
leave only when their class belongs to one subscriber at a time and they were in use
lately; what is unknown is taken for shared.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from graph.exports.package import Context, LeftOut

# Classes of address with one customer behind them. All others (carrier NAT, VPN, relay,
# Tor, campus, private, unknown) stay, whatever was decided.
EXCLUSIVE_CLASSES = frozenset({"datacentre", "residential"})

# Addresses are leased on: one that the banned have not used for this long before the
# snapshot's time may be a stranger's by now (this project's own figure, and cautious).
STALE_DAYS = 30

# Networks that mean another machine in every place.
_LOCAL = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
        "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip

# Candidates are what the banned were seen with: an account's own identifiers, and the
# addresses from which a revoked key was used by strangers. The key's owner may be seen
# there as well, for the traffic on a key is booked on its owner. Rows of one identifier
# fold into the decision that ends first, so that no block outlives what was decided.
_JUDGED = """
    WITH candidates AS (
        SELECT o.identifier, o.account_id AS owner, o.last_seen, d.decision_id,
               d.reason, d.expires_at,
               (d.expires_at IS NULL, d.expires_at, d.decision_id) AS turn
        FROM observations o
        JOIN decided d ON d.subject_type = 'account' AND d.subject_id = o.account_id
        WHERE o.kind = $kind
        UNION
        SELECT k.identifier, y.account_id, k.last_seen, d.decision_id,
               d.reason, d.expires_at,
               (d.expires_at IS NULL, d.expires_at, d.decision_id)
        FROM key_observations k
        JOIN decided d ON d.subject_type = 'key' AND d.subject_id = k.key_id
        LEFT JOIN keys y USING (key_id)
        WHERE k.kind = $kind AND k.foreign_use
    ), known AS (
        SELECT identifier, any_value(class) AS class, any_value(masked) AS masked
        FROM identifiers WHERE kind = $kind GROUP BY identifier
    ), folded AS (
        SELECT identifier, arg_min(decision_id, turn) AS decision_id,
               arg_min(reason, turn) AS reason, min(expires_at) AS expires_at,
               list(DISTINCT owner) AS owners, max(last_seen) AS last_seen
        FROM candidates GROUP BY identifier
    )
    SELECT f.* EXCLUDE (owners, last_seen), n.class, n.masked,
           coalesce(f.last_seen < $stale, true) AS stale,
           EXISTS (
               FROM observations o
               WHERE o.kind = $kind AND o.identifier = f.identifier
                 AND NOT list_contains(f.owners, o.account_id)
           ) OR EXISTS (
               FROM key_observations k
               LEFT JOIN keys y USING (key_id)
               LEFT JOIN decided b
                      ON b.subject_type = 'account' AND b.subject_id = y.account_id
               WHERE k.kind = $kind AND k.identifier = f.identifier
                 AND NOT k.foreign_use AND b.subject_id IS NULL
           ) AS shared,
           EXISTS (
               FROM in_force c
               WHERE c.subject_type = 'identifier' AND c.verdict = 'clear'
                 AND c.subject_id IN (f.identifier, $kind || ':' || f.identifier)
           ) AS cleared
    FROM folded f
    LEFT JOIN known n USING (identifier)
    ORDER BY f.identifier
"""


@dataclass(frozen=True)
class Trace:
    """One readable identifier and the decision it leaves by."""

    value: str
    decision_id: str
    reason: str
    expires_at: datetime | None


def exclusive(context: Context, kind: str) -> tuple[list[Trace], list[LeftOut]]:
    """The identifiers of `kind` that only banned subjects were seen with, sorted.

    `kind` is `ip`, `email` or `card`. Everything else is told as left out, masked.
    """
    frame = _judged(context, kind)
    why = _objections(frame, kind)
    leaving = frame[why == ""]
    left_out = [
        LeftOut(f"{kind} {masked or 'unmasked'}", reason)
        for masked, reason in zip(frame["masked"], why, strict=True)
        if reason
    ]
    found = dict(context.reveal(kind, leaving["identifier"].tolist()))
    traces, lost = _readable(leaving, found, kind)
    return sorted(traces, key=lambda trace: trace.value), left_out + lost


def _judged(context: Context, kind: str) -> pd.DataFrame:
    now = context.snapshot.as_of
    moment = now if now.tzinfo is None else now.astimezone(UTC).replace(tzinfo=None)
    asked = {"kind": kind, "stale": moment - timedelta(days=STALE_DAYS)}
    frame = context.tables.execute(_JUDGED, asked).df()
    return frame.astype(object).where(frame.notna(), None)


def _objections(frame: pd.DataFrame, kind: str) -> pd.Series:
    why = pd.Series("", index=frame.index, dtype=object)
    if kind == "ip":
        described = frame["class"].fillna("unknown").astype(str)
        shared = ~described.isin(EXCLUSIVE_CLASSES)
        stale = frame["stale"].astype(bool)
        why[stale] = f"not used for {STALE_DAYS} days, so it may be a stranger's by now"
        why[shared] = "addresses of class " + described[shared] + " are shared"
    why[frame["cleared"].astype(bool)] = "cleared by a decision"
    why[frame["shared"].astype(bool)] = "also seen with an account that is not banned"
    return why


def _readable(
    leaving: pd.DataFrame, found: Mapping[str, str], kind: str
) -> tuple[list[Trace], list[LeftOut]]:
    traces: dict[str, Trace] = {}
    lost: list[LeftOut] = []
    for row in leaving.to_dict("records"):
        value = found.get(row["identifier"], "")
        if kind == "ip":
            value = network(value)
        if not value:
            lost.append(LeftOut(f"{kind} {row['masked']}", "no longer readable"))
            continue
        trace = Trace(
            value, row["decision_id"], row["reason"], _moment(row["expires_at"])
        )
        traces.setdefault(value, trace)
    return list(traces.values()), lost


def _moment(value: object) -> datetime | None:
    return None if value is None else pd.Timestamp(str(value)).to_pydatetime()


def network(address: str) -> str:
    """An address as CIDR: one IPv4 host, or the /64 that is one IPv6 line.

    Empty for what can't be read and for local networks.
    """
    try:
        given = ipaddress.ip_interface(address.strip())
    except ValueError:
        return ""
    length = 32 if given.version == 4 else 64
    if given.network.prefixlen < length:
        return ""
    block = ipaddress.ip_network((given.ip, length), strict=False)
    local = any(
        block.version == known.version and block.overlaps(known) for known in _LOCAL
    )
    return "" if local else str(block)
