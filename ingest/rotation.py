"""Rotation: everything that a pepper has keyed is brought to the next one.

A stored hash is keyed again as it stands (`Pepper.rotated`), readable value or not, and
new events go the same way; so what met before meets after, and copies that were made
of the ledger before match nothing in it any more.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract import IDENTIFIER_FIELDS
from ingest.ledger import Ledger
from ingest.manifest import Tombstone, sweep
from ingest.pepper import LONG_HEX, SHORT_HEX, Pepper
from ingest.sql import fill
from ingest.staging import Staging
from ingest.upkeep import sum_of

_REPLACED = "SELECT * REPLACE ($columns) FROM segment"
_EITHER = "CASE WHEN $is_key THEN $long ELSE $short END AS $name"
_HASHED = ("identifier", "prefix", "stem", "skeleton")


def rotate(ledger: Ledger, pepper: Pepper) -> int:
    """Bring a ledger to `pepper`, a rotation of its own; gives the segments written.

    All of it changes with the manifest, or nothing. Derived tables rest on the ledger
    as it was and are to be made again.
    """
    folder, since = ledger.workspace.ledger, ledger.pepper.rotations
    if ledger.pepper.check() == pepper.check():
        return 0
    with ledger.rewriting() as (now, connection):
        kept, total = [], 0
        with closing(Staging(folder, now.generation + 1)) as staging:
            for segment in now.segments:
                if segment.family == "quarantine":
                    kept.append(segment)
                    continue
                rows = pq.read_table(folder / segment.name)
                keyed = _keyed_again(connection, segment.family, rows, (pepper, since))
                staging.write(segment.family, keyed)
                if segment.family == "events":
                    total += sum_of(connection, keyed)
            fresh = staging.segments()
        turned = replace(
            now,
            generation=now.generation + 1,
            pepper_check=pepper.check(),
            events_sum=total % (1 << 64),
            segments=(*kept, *fresh),
            retired=(),
            forgotten=tuple(_turned(one, pepper, since) for one in now.forgotten),
        )
        turned.write(folder)
        sweep(folder, turned)
    return len(fresh)


def _keyed_again(
    connection: duckdb.DuckDBPyConnection,
    family: str,
    rows: pa.Table,
    to: tuple[Pepper, int],
) -> pa.Table:
    pepper, since = to
    columns = [
        _rotated(name, is_key, pepper, since)
        for name, is_key in _columns(family).items()
        if name in rows.column_names
    ]
    if not columns:
        return rows
    connection.register("segment", rows)
    query = fill(_REPLACED, columns=", ".join(columns))
    return connection.sql(query, params=pepper.pads(since)).to_arrow_table()


def _columns(family: str) -> dict[str, str]:
    """Give the keyed columns of a family, with the SQL that tells hashes of keys."""
    if family != "events":
        return dict.fromkeys(_HASHED, "kind = 'key_hash'")
    fields = {
        name: "true" if kind == "key_hash" else "false"
        for name, kind in IDENTIFIER_FIELDS.items()
    }
    return fields | {"value": "kind = 'key_hash'"}


def _rotated(name: str, is_key: str, pepper: Pepper, since: int) -> str:
    return fill(
        _EITHER,
        is_key=is_key,
        long=pepper.rotated_sql(name, since, LONG_HEX),
        short=pepper.rotated_sql(name, since, SHORT_HEX),
        name=name,
    )


def _turned(stone: Tombstone, pepper: Pepper, since: int) -> Tombstone:
    names = sorted(pepper.rotated(name, since) for name in stone.names)
    return replace(stone, names=tuple(names))
