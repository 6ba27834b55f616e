"""Segments of one ingest, written beside the work and not yet part of the ledger."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.manifest import Segment

_ROW_GROUP = 1 << 17

# Nearly every row has its own; a dictionary would be built and thrown away.
_OWN_VALUES = frozenset({"event_id", "key", "identifier", "value", "masked"})

_WAITING = 2


@dataclass
class Staging:
    """Writes segments of one generation in the background, in order."""

    folder: Path
    generation: int
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _pending: list[Future[Segment]] = field(default_factory=list)
    _written: int = 0

    def write(self, family: str, rows: pa.Table) -> None:
        """Begin to write rows as a new segment; columns without a value are left out.

        Raises what went wrong with an earlier segment.
        """
        if not rows.num_rows:
            return
        filled = [
            name
            for name in rows.column_names
            if rows.column(name).null_count < rows.num_rows
        ]
        name = f"{family}/{self.generation:08d}-{self._written:06d}.parquet"
        self._written += 1
        for waiting in self._pending[:-_WAITING]:
            waiting.result()
        job = self._pool.submit(_write, self.folder, name, rows.select(filled))
        self._pending.append(job)

    def segments(self) -> list[Segment]:
        """Give every segment, once all are on the disk."""
        return [job.result() for job in self._pending]

    def rows(self, family: str) -> int:
        """Count the staged rows of a family."""
        return sum(one.rows for one in self.segments() if one.family == family)

    def paths(self, family: str) -> list[Path]:
        """List the files of a family, once all are on the disk."""
        found = self.segments()
        return [self.folder / one.name for one in found if one.family == family]

    def drop(self, name: str) -> None:
        """Take a segment out again."""
        self._pending = [job for job in self._pending if job.result().name != name]
        (self.folder / name).unlink()

    def close(self) -> None:
        """End the background work."""
        self._pool.shutdown(cancel_futures=True)


def _write(folder: Path, name: str, rows: pa.Table) -> Segment:
    coded = [one for one in rows.column_names if one not in _OWN_VALUES]
    with (folder / name).open("wb") as file:
        pq.write_table(
            rows,
            file,
            row_group_size=_ROW_GROUP,
            compression="zstd",
            compression_level=1,
            use_dictionary=coded,
            write_statistics=["occurred_at"] if "occurred_at" in coded else False,
        )
    return Segment.seal(folder, name, rows.num_rows)
