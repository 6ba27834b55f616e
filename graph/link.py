"""Score each identifier value: does one operator stand behind the accounts on it?

Identifiers are scored, not pairs of accounts, so that a hub costs its degree and not
its square. A value that many share (a campus, a popular fingerprint) scores low by
its degree; one that ties accounts made in a burst, or accounts that all took without
paying, scores high. IP addresses, mail domains, BINs, user agents and invitations
are never scored here: a third party can forge them, and they never link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Kind:
    """How far one kind of identifier may speak for a common operator, in nats.

    `worth` is what sharing it says at degree one, `damping` what each e-fold of
    degree takes back, `exclusive` what it adds when its accounts show no other value
    of the kind, against the `usual` exclusivity of innocents.
    """

    worth: float
    damping: float
    exclusive: float = 0.0
    usual: float = 0.75


# Starting values measured on a made world, see docs/evaluation.md for the ablations.
LINKING_KINDS: dict[str, Kind] = {
    "device": Kind(worth=0.6, damping=0.6, exclusive=1.5),
    "card": Kind(worth=1.0, damping=0.2),
    "phone": Kind(worth=1.0, damping=0.3),
    "email": Kind(worth=2.0, damping=0.1),
}
# Measured on the real farms of docs/linking.md: a value that its accounts show beside
# many others is a thoroughfare, one that they show alone is theirs.
FURTHER = Kind(worth=0.8, damping=0.6, exclusive=1.5, usual=0.4)

BURST_WEIGHT = 0.3
HARM_WEIGHT = 0.5
LINKS_ABOVE = 0.5
_LEAST_SPAN_SECONDS = 3600.0
# Strength of belief in the usual share of unpaid trials, in accounts.
_PRIOR_ACCOUNTS = 200.0
_PRIOR_HARM = 0.25


@dataclass(frozen=True)
class Edges:
    """Account x identifier pairs that may link, sorted by identifier, then creation.

    `account` and `identifier` index the account frame and `identifiers`.
    """

    account: Ints
    identifier: Ints
    identifiers: pd.DataFrame

    @property
    def starts(self) -> Ints:
        """Where each identifier's run begins in `account`."""
        counts = np.bincount(self.identifier, minlength=len(self.identifiers))
        return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)

    @property
    def degree(self) -> Ints:
        """How many accounts show each identifier."""
        counts = np.bincount(self.identifier, minlength=len(self.identifiers))
        return counts.astype(np.int64)


@dataclass(frozen=True)
class Shown:
    """What is known of the account of each row of some `Edges`, in their order.

    `created` is its creation in seconds, `harmed` whether it consumed without paying,
    `alone` 1 / (how many shared values of the identifier's kind it shows).
    """

    created: Floats
    harmed: Flags
    alone: Floats


# What could not be read ("n/a", "unknown") is nobody's and links nobody. A view, which
# is read anew each time it is asked: a copy of so much text would fill the memory.
READABLE = """
    CREATE OR REPLACE TEMP VIEW readable_observations AS
    SELECT o.account_id, o.kind, o.identifier, o.first_seen, o.count,
           hash(o.identifier) AS slot
    FROM observations o
    WHERE o.kind IN (SELECT kind FROM linking_kinds)
      AND NOT EXISTS (SELECT 1 FROM identifiers i
                      WHERE i.class = 'unreadable' AND i.kind = o.kind
                        AND i.identifier = o.identifier)
"""

# Most values are one account's, so only those whose hash comes twice are compared as
# text. A device on which an account was seen once in passing is not its own: whoever
# forges a device id onto a stranger leaves such a trace. Whoever had a mailbox first
# is its holder, whom others' tags and dots don't tie to them, unless he closed his
# account to come again. Every engine's SQL reads this text.
SHOWN = """
    WITH meeting AS (
        SELECT * FROM readable_observations
        WHERE slot IN (SELECT slot FROM repeated_slots)
    ), shared AS (
        SELECT kind, identifier, min(first_seen) AS held_since FROM meeting
        GROUP BY kind, identifier HAVING count(*) >= 2
    ), own AS (
        SELECT account_id, min(first_seen) AS first_seen, sum(count) AS count
        FROM readable_observations
        WHERE kind = 'device' AND account_id IN (
            SELECT account_id FROM meeting WHERE kind = 'device')
        GROUP BY account_id
    )
    SELECT m.account_id, m.kind, m.identifier
    FROM meeting m
    JOIN shared s ON s.kind = m.kind AND s.identifier = m.identifier
    LEFT JOIN own o ON o.account_id = m.account_id
    LEFT JOIN account_numbers a ON a.account_id = m.account_id
    WHERE (m.kind <> 'device' OR m.first_seen = o.first_seen
           OR m.count / o.count > 0.5
           OR (m.count / o.count >= 0.25 AND m.count >= 2))
      AND (m.kind <> 'email' OR m.first_seen <> s.held_since OR a.closed)
"""

_SLOTS = "SELECT slot FROM readable_observations"
_SHOWN = "CREATE OR REPLACE TEMP TABLE shown_identifiers AS " + SHOWN

_SHARED = """
    CREATE OR REPLACE TEMP TABLE shared_identifiers AS
    SELECT kind, identifier,
           (row_number() OVER (ORDER BY kind, identifier)) - 1 AS identifier_no
    FROM shown_identifiers GROUP BY kind, identifier HAVING count(*) >= 2
"""

_EDGES = """
    SELECT p.account, s.identifier_no AS identifier
    FROM shared_identifiers s
    JOIN shown_identifiers o ON o.kind = s.kind AND o.identifier = s.identifier
    JOIN account_numbers p USING (account_id)
    ORDER BY s.identifier_no, p.created_at, p.account
"""


def shared_edges(
    connection: duckdb.DuckDBPyConnection,
    profiles: pd.DataFrame,
    further_kinds: Sequence[str] = (),
) -> Edges:
    """The pairs of account and shared identifier among the kinds that may link."""
    numbers = pd.DataFrame(
        {
            "account_id": profiles["account_id"],
            "account": np.arange(len(profiles)),
            "created_at": profiles["created_at"].fillna(profiles["first_seen"]),
            "closed": profiles["closed_at"].notna(),
        }
    )
    connection.register("account_numbers", numbers)
    kinds = pd.DataFrame({"kind": [*LINKING_KINDS, *further_kinds]})
    connection.register("linking_kinds", kinds)
    connection.execute(READABLE)
    slots = np.asarray(connection.execute(_SLOTS).fetchnumpy()["slot"], np.uint64)
    connection.register("repeated_slots", pd.DataFrame({"slot": _repeated(slots)}))
    connection.execute(_SHOWN)
    connection.execute(_SHARED)
    arrays = connection.execute(_EDGES).fetchnumpy()
    identifiers = connection.execute(
        "SELECT kind, identifier FROM shared_identifiers ORDER BY identifier_no"
    ).df()
    connection.execute("DROP TABLE shown_identifiers")
    connection.unregister("repeated_slots")
    return Edges(
        account=np.asarray(arrays["account"], dtype=np.int64),
        identifier=np.asarray(arrays["identifier"], dtype=np.int64),
        identifiers=identifiers,
    )


def _repeated(slots: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Those that come twice or more, sorted: a third of the time of grouping them."""
    ordered = np.sort(slots)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def usual_span(seconds: Floats) -> float:
    """How long sign-ups have gone on: twice their interquartile range, in seconds.

    One forged date must not stretch everybody's log, so the extremes do not count.
    """
    if seconds.size < 2:
        return 3600.0
    low, high = np.quantile(seconds, [0.25, 0.75])
    return float(max(2 * (high - low), 3600.0))


def base_harm(harmed: Flags) -> float:
    """Share of accounts that took without paying, drawn towards the usual share."""
    count = harmed.size
    return float(
        (harmed.sum() + _PRIOR_ACCOUNTS * _PRIOR_HARM) / (count + _PRIOR_ACCOUNTS)
    )


def score_identifiers(
    edges: Edges, created: Floats, harmed: Flags, span_seconds: float
) -> Floats:
    """Nats for "one operator" of each identifier in `edges.identifiers`.

    `created` is each account's creation in seconds, `harmed` whether it consumed
    without paying, `span_seconds` the length of the log.
    """
    shown = Shown(created[edges.account], harmed[edges.account], _alone(edges))
    return score_shown(edges, shown, span_seconds, base_harm(harmed))


def score_shown(
    edges: Edges, shown: Shown, span_seconds: float, usual_harm: float
) -> Floats:
    """The same nats from what each pair shows, for any whole identifiers of a log.

    `usual_harm` is `base_harm` of all its accounts.
    """
    if not len(edges.identifiers):
        return np.zeros(0)
    degree = edges.degree.astype(float)
    score = _worth(edges, shown.alone, degree)
    score += BURST_WEIGHT * _burst(edges, shown.created, span_seconds)
    score += HARM_WEIGHT * _harm(edges, shown.harmed, usual_harm)
    return score


def _alone(edges: Edges) -> Floats:
    """1 / (the values of an identifier's kind that its account shows), each pair."""
    if not len(edges.identifiers):
        return np.zeros(0)
    codes, _ = pd.factorize(edges.identifiers["kind"], sort=True)
    slot = edges.account * (codes.max() + 1) + codes[edges.identifier]
    _, inverse, counts = np.unique(slot, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[inverse])


def _worth(edges: Edges, alone: Floats, degree: Floats) -> Floats:
    codes, names = pd.factorize(edges.identifiers["kind"])
    kinds = [LINKING_KINDS.get(name, FURTHER) for name in names]
    worth = np.array([kind.worth for kind in kinds])[codes]
    damping = np.array([kind.damping for kind in kinds])[codes]
    exclusive = np.array([kind.exclusive for kind in kinds])[codes]
    usual = np.array([kind.usual for kind in kinds])[codes]
    exclusivity = np.add.reduceat(alone, edges.starts) / degree
    return np.asarray(
        worth
        - damping * np.log(degree)
        + exclusive * np.minimum(degree, 10) / 2 * (exclusivity - usual)
    )


def _burst(edges: Edges, moments: Floats, span_seconds: float) -> Floats:
    """How much tighter than chance nine tenths of the accounts were created.

    Under innocence the span of w uniform points of T has E[ln(T / span)] of about
    1 / (w - 1) + 1 / w.
    """
    degree = edges.degree
    window = np.maximum(2, np.ceil(0.9 * degree)).astype(np.int64)
    ends = np.arange(moments.size) + window[edges.identifier] - 1
    last = (edges.starts + degree)[edges.identifier]
    inside = ends < last
    width = np.where(
        inside, moments[np.minimum(ends, moments.size - 1)] - moments, np.inf
    )
    narrow = np.maximum(np.minimum.reduceat(width, edges.starts), _LEAST_SPAN_SECONDS)
    tightness = np.log(np.maximum(span_seconds, narrow) / narrow)
    return np.asarray(
        np.minimum(degree - 1, 10) * (tightness - 1 / (window - 1) - 1 / window - 0.3)
    )


def _harm(edges: Edges, harmed: Flags, usual: float) -> Floats:
    """Signed divergence of an identifier's share of unpaid trials from the usual."""
    degree = edges.degree.astype(float)
    took = np.add.reduceat(harmed.astype(float), edges.starts)
    share = (took + usual) / (degree + 1)
    divergence = share * np.log(share / usual) + (1 - share) * np.log(
        (1 - share) / (1 - usual)
    )
    return np.asarray(np.sign(share - usual) * np.minimum(degree, 10) * divergence)
