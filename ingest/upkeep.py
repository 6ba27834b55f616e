"""Upkeep of a ledger: the same events in segments that are written anew.

Whatever is replaced stays on the disk for one commit more, so that no reader of the
old manifest loses its files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.contract import FIELDS
from ingest.duplicates import body_of
from ingest.identifiers.kinds import normalisers
from ingest.keying import IDENTIFIER_COLUMNS, Keying
from ingest.manifest import FAMILIES, Manifest, Segment
from ingest.pepper import Pepper
from ingest.reference import Reference
from ingest.sql import fill, first
from ingest.staging import Staging

PROBE = "SELECT hash('ringfence')::VARCHAR"
"""What tells whether the engine still hashes as it did when keys were stored."""

_SMALL = 50_000
_MANY_SMALL = 48

# Classes of these kinds come from the reference data.
_CLASSED = ("email", "ip")

_REKEYED = "SELECT * EXCLUDE (key), hash(event_id) AS key FROM segment"
_SUM = "SELECT (sum($body) % 18446744073709551616)::VARCHAR FROM segment"


def rekey(
    folder: Path, now: Manifest, connection: duckdb.DuckDBPyConnection
) -> Manifest:
    """Store keys and sum anew after an engine came that hashes otherwise."""
    probe = str(first(connection, PROBE)[0])
    if probe == now.hash_probe:
        return now
    total = 0
    with closing(Staging(folder, now.generation + 1)) as staging:
        for name in now.names("events"):
            rows = pq.read_table(folder / name)
            connection.register("segment", rows)
            staging.write("events", connection.sql(_REKEYED).to_arrow_table())
            total += sum_of(connection, rows)
        connection.unregister("segment")
        fresh = {"events": staging.segments()}
    summed = replace(now, hash_probe=probe, events_sum=total % (1 << 64))
    return _swap(folder, summed, fresh)


def sum_of(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> int:
    """Add up the hashes of stored events; 0 where there are none."""
    connection.register("segment", rows)
    held = [name for name in rows.column_names if name in FIELDS]
    return int(first(connection, fill(_SUM, body=body_of(held)))[0] or 0)


def reclassify(
    folder: Path, now: Manifest, pepper: Pepper, data: Reference
) -> Manifest:
    """Class addresses and mail domains anew after the reference data changed."""
    if data.version == now.reference:
        return now
    kept, vault = _rows(folder, now, "identifiers"), _rows(folder, now, "vault")
    now = replace(now, reference=data.version)
    if not kept.num_rows:
        now.write(folder)
        return now
    classed = pc.is_in(kept.column("kind"), pa.array(_CLASSED))
    with duckdb.connect() as connection:
        keying = Keying(connection, pepper, normalisers(data))
        keying.prepare()
        for kind in _CLASSED:
            mine = vault.filter(pc.equal(vault.column("kind"), kind))
            if mine.num_rows:
                keying.learn(kind, mine.column("value").to_pylist())
        found = connection.sql(
            "SELECT DISTINCT ON (kind, identifier) * FROM found_identifiers"
            " ORDER BY kind, identifier"
        ).to_arrow_table()
    # What was erased from the vault keeps the class that it had.
    ids = found.column("identifier").combine_chunks()
    again = pc.and_(classed, pc.is_in(kept.column("identifier"), ids))
    rows = pa.concat_tables(
        [kept.filter(pc.invert(again)), found], promote_options="default"
    )
    with closing(Staging(folder, now.generation + 1)) as staging:
        staging.write("identifiers", rows)
        return _swap(folder, now, {"identifiers": staging.segments()})


def compact(folder: Path, now: Manifest) -> Manifest:
    """Join small segments once there are many of them."""
    fresh: dict[str, list[Segment]] = {}
    with closing(Staging(folder, now.generation + 1)) as staging:
        for family in FAMILIES:
            mine = [one for one in now.segments if one.family == family]
            small = [one for one in mine if one.rows < _SMALL]
            if len(small) < _MANY_SMALL:
                continue
            tables = [pq.read_table(folder / one.name) for one in small]
            joined = pa.concat_tables(tables, promote_options="default")
            staging.write(family, joined)
            fresh[family] = [one for one in mine if one not in small]
        for one in staging.segments():
            fresh[one.family].append(one)
    return _swap(folder, now, fresh) if fresh else now


def _rows(folder: Path, now: Manifest, family: str) -> pa.Table:
    """Read a whole family, with every column it may have."""
    columns = {name: pa.array([], pa.string()) for name in IDENTIFIER_COLUMNS}
    blank = pa.table(columns).select(["kind", "identifier"])
    tables = [pq.read_table(folder / name) for name in now.names(family)]
    return pa.concat_tables([blank, *tables], promote_options="default")


def _swap(
    folder: Path, now: Manifest, fresh: Mapping[str, Sequence[Segment]]
) -> Manifest:
    """Commit families of segments in place of those that they replace."""
    kept = [one for one in now.segments if one.family not in fresh]
    segments = [*kept, *(one for family in fresh.values() for one in family)]
    names = {one.name for one in segments}
    retired = tuple(one.name for one in now.segments if one.name not in names)
    swapped = replace(
        now,
        generation=now.generation + 1,
        segments=tuple(segments),
        retired=retired,
    )
    swapped.write(folder)
    return swapped
