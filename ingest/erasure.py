"""Erasure: events leave the ledger by segments that are written anew.

Somebody is forgotten, or events have reached the age at which they go. What only they
spoke of (identifiers, readable values, refused lines) goes with them; the old segments
are unlinked as soon as the new manifest is in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest import aliases
from ingest.contract import IDENTIFIER_FIELDS
from ingest.keying import SEEN
from ingest.ledger import Ledger
from ingest.manifest import Manifest, sweep
from ingest.sql import count, fill, literal
from ingest.staging import Staging
from ingest.tombstones import Forgotten, today, tombstone
from ingest.upkeep import sum_of

Rewrite = Callable[[pa.Table], pa.Table]
"""Gives the rows of a segment that stay, as they stay."""

_NAMES = """
    SELECT $id AS name UNION
    SELECT alias FROM account_aliases WHERE account_id = $id
    UNION SELECT account_id FROM account_aliases WHERE alias = $id
    UNION SELECT alias FROM account_aliases WHERE account_id IN (
        SELECT account_id FROM account_aliases WHERE alias = $id)
"""
# What no other account brought; where nobody is known to have brought it, what no
# other account used.
_OWNED = """
    SELECT $name FROM $events WHERE $name IS NOT NULL AND account_id IS NOT NULL
    GROUP BY $name
    HAVING coalesce(
        bool_and(account_id IN (SELECT unnest($$ids))) FILTER (type = $brings),
        bool_and(account_id IN (SELECT unnest($$ids))))
"""
_BRINGS = {
    "key_id": "key.created",
    "key_hash": "key.created",
    "payment_method_id": "payment_method.added",
    "charge_id": "payment.charged",
}
_OF_SOMEBODY = """
    (account_id IN (SELECT unnest($ids)) OR account_id IS NULL AND (
        key_id IN (SELECT unnest($ids)) OR key_hash IN (SELECT unnest($ids))
        OR charge_id IN (SELECT unnest($ids))
        OR payment_method_id IN (SELECT unnest($ids))
        OR tenant_id IN (SELECT unnest($ids))))
"""
_OLD = "(occurred_at < $before)"

_USES = """
    SELECT DISTINCT $kind AS kind, $column AS identifier FROM $events
    WHERE $column IS NOT NULL AND coalesce($leaves, false) = $$leaving
"""
_GONE = """
    CREATE OR REPLACE TEMP TABLE gone AS
    SELECT * FROM leaving ANTI JOIN staying USING (kind, identifier)
"""
_LEFT = "SELECT segment.* FROM segment ANTI JOIN gone USING (kind, identifier)"
# A user agent names software, and nobody.
_VALUES = """
    SELECT DISTINCT value FROM vault SEMI JOIN gone USING (kind, identifier)
    WHERE kind <> 'user_agent' ORDER BY value
"""


@dataclass(frozen=True)
class Somebody:
    """What names an account in plain text: ids, its own and owned, readable values."""

    accounts: tuple[str, ...]
    owned: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Erased:
    """How much left the ledger."""

    events: int
    identifiers: int


def forget(
    ledger: Ledger,
    account_id: str,
    expires: date,
    meanwhile: Callable[[Somebody], None],
) -> Erased:
    """Erase an account's events and what only it brought; leave a tombstone.

    `meanwhile` is told what names the account and clears it elsewhere: it runs before
    the ledger's commit, so that a crash leaves all of it to be done again.
    """
    with ledger.rewriting() as (now, connection):
        somebody = _somebody(ledger, now, connection, account_id)
        meanwhile(somebody)
        lone = Forgotten(
            ledger.pepper,
            ids=frozenset((*somebody.accounts, *somebody.owned)),
            values=frozenset(value.casefold() for value in somebody.values),
        )

        def others(rows: pa.Table) -> pa.Table:
            return lone.blanked(rows.filter(pc.invert(lone.mine(rows, lone.holds))))

        def unread(rows: pa.Table) -> pa.Table:
            for at, name in enumerate(rows.column_names):
                if name in {"file", "text"}:
                    texts = lone.clean(rows.column(name).combine_chunks())
                    rows = rows.set_column(at, name, texts)
            return rows

        standing = Forgotten.of(now, ledger.pepper, today()).tombstones
        stone = tombstone(lone, expires.isoformat())
        marked = replace(now, forgotten=(*standing, stone))
        return _rewrite(ledger, marked, connection, others, unread)


def retain(ledger: Ledger, before: datetime) -> Erased:
    """Erase the events from before a moment (naive UTC) and what only they spoke of.

    Refused lines have no time of their own: they go with the segment that an ingest
    wrote them to, once the file is as old.
    """
    with ledger.rewriting() as (now, connection):
        ledger.show(connection, now, ("events",))
        _leaving(connection, "events", _OLD, {"before": before})
        folder = ledger.workspace.ledger
        stale = [
            one
            for one in now.segments
            if one.family == "quarantine" and _written(folder / one.name) < before
        ]
        kept = tuple(one for one in now.segments if one not in stale)
        standing = Forgotten.of(now, ledger.pepper, today()).tombstones
        marked = replace(now, segments=kept, forgotten=standing)

        def newer(rows: pa.Table) -> pa.Table:
            return rows.filter(pc.greater_equal(rows.column("occurred_at"), before))

        return _rewrite(ledger, marked, connection, newer, lambda rows: rows)


def _somebody(
    ledger: Ledger,
    now: Manifest,
    connection: duckdb.DuckDBPyConnection,
    account_id: str,
) -> Somebody:
    ledger.show(connection, now, ("events", "vault"))
    events = "events_as_named" if aliases.resolve(connection) else "events"
    accounts = _texts(connection, _NAMES, {"id": account_id})
    owned: set[str] = set()
    for name, brings in _BRINGS.items():
        query = fill(_OWNED, name=name, events=events, brings=literal(brings))
        owned |= set(_texts(connection, query, {"ids": accounts}))
    ids = [*accounts, *sorted(owned)]
    _leaving(connection, events, _OF_SOMEBODY, {"ids": ids})
    values = _texts(connection, _VALUES, {})
    connection.execute("DROP VIEW vault")
    return Somebody(tuple(accounts), tuple(sorted(owned)), tuple(values))


def _leaving(
    connection: duckdb.DuckDBPyConnection,
    events: str,
    leaves: str,
    values: dict[str, object],
) -> None:
    """Leave the identifiers that no remaining event speaks of in the table `gone`."""
    kinds = [(literal(kind), name) for name, kind in IDENTIFIER_FIELDS.items()]
    uses = [
        fill(_USES, kind=kind, column=column, events=events, leaves=leaves)
        for kind, column in kinds
    ]
    seen = fill(_USES, kind="kind", column="value", events=events, leaves=leaves)
    uses.append(seen + " AND type = " + literal(SEEN))
    query = " UNION ".join(uses)
    for table, leaving in (("leaving", True), ("staying", False)):
        connection.execute(
            fill("CREATE OR REPLACE TEMP TABLE $table AS ", table=table) + query,
            values | {"leaving": leaving},
        )
    connection.execute(_GONE)


def _rewrite(
    ledger: Ledger,
    now: Manifest,
    connection: duckdb.DuckDBPyConnection,
    stays: Rewrite,
    unread: Rewrite,
) -> Erased:
    """Write the segments that change anew, swap them in, unlink what they replace."""
    folder, total = ledger.workspace.ledger, now.events_sum
    rewrites = {"events": stays, "quarantine": unread}
    kept, before = [], now.rows("events")
    with closing(Staging(folder, now.generation + 1)) as staging:
        for segment in now.segments:
            rows = pq.read_table(folder / segment.name)
            left = rewrites.get(segment.family, _without_gone(connection))(rows)
            if left.equals(rows):
                kept.append(segment)
                continue
            staging.write(segment.family, left)
            if segment.family == "events":
                total += sum_of(connection, left) - sum_of(connection, rows)
        fresh = replace(
            now,
            generation=now.generation + 1,
            events_sum=total % (1 << 64),
            segments=(*kept, *staging.segments()),
            retired=(),
        )
    fresh.write(folder)
    sweep(folder, fresh)
    return Erased(before - fresh.rows("events"), count(connection, "gone"))


def _without_gone(connection: duckdb.DuckDBPyConnection) -> Rewrite:
    def left(rows: pa.Table) -> pa.Table:
        connection.register("segment", rows)
        found = connection.sql(_LEFT).to_arrow_table()
        # A join gives no order; equal counts mean that nothing went.
        return rows if found.num_rows == rows.num_rows else found

    return left


def _texts(
    connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]
) -> list[str]:
    rows = connection.execute(query, values).fetchall()
    return sorted(str(row[0]) for row in rows)


def _written(path: Path) -> datetime:
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return moment.replace(tzinfo=None)
