"""From raw records to typed rows: the quick check, the exact check, the refusals."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest import reasons
from ingest.routes import EVERY_TYPE, Route, likely_type
from ingest.sql import fill

_TYPES = "SELECT coalesce($type, '') AS type, nr FROM records"

_SCAN_ROWS = 8192
"""Rows that one thread takes from a table at a time."""


@dataclass(frozen=True)
class Sifted:
    """Typed rows with `nr`, the row of `records` that each came from, and `key`."""

    route: Route
    records: pa.Table
    rows: pa.Table


@dataclass
class Sieve:
    """Checks tables of records (`record` is JSON text) on a connection.

    `only_json` is set for good once a text that is not JSON was met: looking for it
    in every record costs a fifth more.
    """

    connection: duckdb.DuckDBPyConnection
    only_json: bool = False

    def quick(self, route: Route, records: pa.Table) -> tuple[Sifted, pa.Table]:
        """Check records; give the rows that are surely good, and the other records."""
        self.register(records)
        if not self.only_json:
            try:
                return self._quick(route, records)
            except duckdb.InvalidInputException:
                # The message holds the record, so it goes no further.
                self.only_json = True
        return self._quick(route, records)

    def _quick(self, route: Route, records: pa.Table) -> tuple[Sifted, pa.Table]:
        rows = self.connection.sql(route.quick(self.only_json)).to_arrow_table()
        doubt = rows.column("doubt")
        rows = rows.drop_columns("doubt")
        if not pc.any(doubt).as_py():
            return Sifted(route, records, rows), records.slice(0, 0)
        doubted = records.take(rows.column("nr").filter(doubt))
        return Sifted(route, records, rows.filter(pc.invert(doubt))), doubted

    def exact(self, records: pa.Table) -> tuple[Sifted, pa.Table]:
        """Check records; give the good rows, and the bad records with `reason`."""
        self.register(records)
        reasons.prepare(self.connection)
        self.connection.execute(EVERY_TYPE.examined())
        rows = self.connection.sql(EVERY_TYPE.exact()).to_arrow_table()
        wrong = rows.column("wrong")
        good = pc.is_null(wrong)
        bad = records.take(rows.column("nr").filter(pc.invert(good)))
        bad = bad.append_column("reason", wrong.filter(pc.invert(good)))
        rows = rows.drop_columns("wrong").filter(good)
        return Sifted(EVERY_TYPE, records, rows), bad

    def register(self, records: pa.Table) -> None:
        """Make records the table `records`, numbered, in bites for every thread."""
        numbers = pa.array(range(records.num_rows), pa.int64())
        numbered = records.append_column("nr", numbers)
        bites = numbered.to_batches(max_chunksize=_SCAN_ROWS)
        table = pa.Table.from_batches(bites, schema=numbered.schema)
        self.connection.register("records", table)

    def part(self, records: pa.Table) -> dict[str, pa.Table]:
        """Part records by the type that they seem to be of, unknown under ''."""
        self.register(records)
        query = fill(_TYPES, type=likely_type())
        rows = self.connection.sql(query).to_arrow_table()
        types = pc.unique(rows.column("type")).to_pylist()
        if len(types) == 1:
            return {str(types[0]): records}
        found = {}
        for name in types:
            numbers = rows.column("nr").filter(pc.equal(rows.column("type"), name))
            found[str(name)] = records.take(numbers.sort())
        return found
