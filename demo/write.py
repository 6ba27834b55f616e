"""Write a world's events as files of the contract."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd
import pyarrow as pa

from demo.contract import FIELDS, NUMBERS, SOURCES, TIMES
from demo.hours import EPOCH
from demo.models import ENDPOINTS, MODELS, REGIONS
from demo.usage import PAID

FORMATS: Final = ("ndjson.gz", "ndjson", "csv", "parquet")
_BATCH: Final = 250_000
_BATCHES_A_FILE: Final = 2

_MOMENT: Final = (
    "strftime(make_timestamp({epoch} + CAST(round({seconds} * 1000) AS BIGINT) * 1000)"
    ", '%Y-%m-%dT%H:%M:%S.%gZ')"
)
_ADDRESS: Final = (
    "CASE WHEN ip_lower IS NULL THEN NULL WHEN ip_upper = 0 THEN concat(ip_lower >> 24"
    ", '.', (ip_lower >> 16) & 255, '.', (ip_lower >> 8) & 255, '.', ip_lower & 255) "
    "ELSE regexp_replace(format('{:016x}{:016x}', ip_upper, ip_lower), "
    "'(....)(....)(....)(....)(....)(....)(....)(....)', "
    "'\\1:\\2:\\3:\\4:\\5:\\6:\\7:\\8') END"
)
_USAGE: Final = """
    SELECT u.seq, u.t, s.key_id, s.account_id, s.tenant_id,
      CASE WHEN u.end_word <> 0 THEN
        concat('eu_', format('{:016x}', u.end_word)[1:10]) END AS end_user,
      u.ip_upper, u.ip_lower, s.device_id,
      CASE WHEN s.says_agent THEN c.user_agent END AS user_agent,
      CASE WHEN s.says_hello THEN c.ja4 END AS ja4, r.name AS region,
      m.name AS model, e.name AS endpoint, u.input_tokens, u.output_tokens,
      CASE WHEN u.requests > 1 THEN u.requests END AS requests,
      CASE WHEN u.http_status <> 200 THEN u.http_status END AS http_status,
      CASE WHEN s.priced THEN round(u.cost_usd, 9) END AS cost_usd,
      CASE WHEN u.prompt <> 0 THEN format('{:016x}', u.prompt) END AS prompt_hash,
      p.name AS paid_by
    FROM usage u JOIN streams s USING (stream) JOIN clients c ON c.code = s.client
    LEFT JOIN regions r ON r.code = s.region LEFT JOIN models m ON m.code = u.model
    LEFT JOIN endpoints e ON e.code = u.endpoint LEFT JOIN paid p ON p.code = u.paid_by
"""


class Writer:
    """Collects the events of a world and writes them, each once, in time order."""

    def __init__(self, folder: Path, tag: str, end: float) -> None:
        """Write below `folder`; event ids start with `tag`; nothing after `end`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._tag, self._end = folder, tag, end
        self._spill = folder / ".spill.duckdb"
        self._spill.unlink(missing_ok=True)
        self._con = duckdb.connect(str(self._spill))
        self._con.execute("SET memory_limit = '3GB'")
        self._con.execute("SET threads = 2")
        self._used = 0
        self._types: set[str] = set()

    def lookups(self, streams: pd.DataFrame, clients: pd.DataFrame) -> None:
        """Take the texts that records of use refer to by number."""
        texts = ["key_id", "account_id", "tenant_id", "device_id"]
        columns = [*texts, "client", "region", "priced", "says_agent", "says_hello"]
        frame = streams[columns].assign(stream=range(len(streams)))
        self._table("streams", frame)
        self._table("clients", clients)
        for name, values in (("regions", REGIONS), ("models", tuple(MODELS)),
                             ("endpoints", ENDPOINTS), ("paid", PAID)):  # fmt: skip
            codes = pd.DataFrame({"code": range(len(values)), "name": list(values)})
            self._table(name, codes)

    def use(self, records: pd.DataFrame, offset: int) -> None:
        """Take records of use; their stream numbers count from `offset`."""
        records = records.assign(
            stream=records["stream"] + offset,
            seq=range(self._used, self._used + len(records)),
        )
        self._used += len(records)
        if "usage.recorded" in self._types:
            chunk = pa.Table.from_pandas(records, preserve_index=False)
            self._con.register("chunk", chunk)
            self._con.execute("INSERT INTO usage BY NAME SELECT * FROM chunk")
            self._con.unregister("chunk")
        else:
            self._table("usage", records)
            self._types.add("usage.recorded")

    def tell(self, kind: str, frames: Sequence[pd.DataFrame]) -> int:
        """Take the events of one type; return how many."""
        frames = [f for f in frames if len(f)]
        if not frames:
            return 0
        events = pd.concat(frames, ignore_index=True)
        events = events[events["t"] < self._end].reset_index(drop=True)
        fields = FIELDS[kind].split()
        columns = [n for n in fields if n != "ip"]
        if "ip" in fields:
            columns += ["ip_upper", "ip_lower"]
        kept = events.reindex(columns=["t", *columns])
        for name in ("ip_upper", "ip_lower"):
            if name in columns and name not in events:
                kept[name] = pd.array([pd.NA] * len(kept), dtype="UInt64")
        kept["seq"] = range(len(kept))
        self._table(_table_name(kind), kept)
        self._types.add(kind)
        return len(kept)

    def finish(self, formats: Sequence[str]) -> list[Path]:
        """Write every source, the formats in turn; return the files."""
        paths: list[Path] = []
        for number, (source, kinds) in enumerate(SOURCES.items()):
            told = [kind for kind in kinds if kind in self._types]
            if told:
                form = formats[number % len(formats)]
                paths += self._source(source, told, form)
        self._con.close()
        self._spill.unlink()
        return paths

    def _source(self, source: str, kinds: Sequence[str], form: str) -> list[Path]:
        for kind in kinds:
            self._con.execute(_ordered(kind))
        parts = [_shaped(kind, self._tag) for kind in kinds]
        if form.startswith("ndjson"):
            union = " UNION ALL ".join(
                f"SELECT t, event_id, {_line(kind)} AS line FROM ({part})"
                for kind, part in zip(kinds, parts, strict=True)
            )
            query = f"SELECT line FROM ({union}) ORDER BY t, event_id"
            return self._lines(source, query, form)
        union = " UNION ALL BY NAME ".join(parts)
        query = f"SELECT * EXCLUDE (t) FROM ({union}) ORDER BY t, event_id"
        path = self._folder / f"{source}.{form}"
        relation = self._con.sql(query)
        if form == "csv":
            relation.write_csv(str(path), header=True)
        else:
            relation.write_parquet(str(path), row_group_size=100_000)
        return [path]

    def _lines(self, source: str, query: str, form: str) -> list[Path]:
        reader = self._con.sql(query).to_arrow_reader(_BATCH)
        paths: list[Path] = []
        waiting: list[Future[None]] = []
        with ThreadPoolExecutor(2) as pool:
            for number, chunk in enumerate(_files(reader)):
                path = self._folder / f"{source}-{number:04d}.{form}"
                paths.append(path)
                waiting.append(pool.submit(_save, path, chunk))
                if number >= 2:
                    waiting[number - 2].result()
            for job in waiting:
                job.result()
        return paths

    def _table(self, name: str, frame: pd.DataFrame) -> None:
        self._con.register("frame", pa.Table.from_pandas(frame, preserve_index=False))
        self._con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM frame")
        self._con.unregister("frame")


def _table_name(kind: str) -> str:
    return "usage" if kind == "usage.recorded" else kind.replace(".", "_")


def _ordered(kind: str) -> str:
    """A table in time order: its row numbers become the event ids."""
    name = _table_name(kind)
    select = _USAGE if kind == "usage.recorded" else f"SELECT * FROM {name}"
    return f"CREATE OR REPLACE TABLE sorted_{name} AS {select} ORDER BY t, seq"


def _shaped(kind: str, tag: str) -> str:
    """The rows of a type with the contract's columns, in the contract's forms."""
    name = _table_name(kind)
    number = list(FIELDS).index(kind)
    epoch = int(EPOCH.timestamp()) * 1_000_000
    # The tag is hexadecimal text that this package computes.
    columns = [
        "t",
        f"'{tag}-{number:02d}-' || rowid AS event_id",
        f"'{kind}' AS type",
        _MOMENT.format(epoch=epoch, seconds="t") + " AS occurred_at",
    ]
    for field in FIELDS[kind].split():
        if field == "ip":
            columns.append(f"{_ADDRESS} AS ip")
        elif field in TIMES:
            moment = _MOMENT.format(epoch=epoch, seconds=field)
            columns.append(f"CASE WHEN isfinite({field}) THEN {moment} END AS {field}")
        elif field in NUMBERS:
            columns.append(field)
        else:
            columns.append(f"NULLIF(CAST({field} AS VARCHAR), '') AS {field}")
    return f"SELECT {', '.join(columns)} FROM sorted_{name}"


def _line(kind: str) -> str:
    """The expression of an event as one line of JSON without its empty fields."""
    parts = [
        """'{"event_id":"', event_id""",
        """'","type":"', type""",
        """'","occurred_at":"', occurred_at, '"'""",
    ]
    for field in FIELDS[kind].split():
        value = field if field in NUMBERS else f"to_json({field})"
        parts.append(
            f"CASE WHEN {field} IS NOT NULL THEN concat(',\"{field}\":', {value}) END"
        )
    return f"concat({', '.join(parts)}, '}}\n')"


def _files(reader: pa.RecordBatchReader) -> Iterator[list[pa.Buffer]]:
    chunk: list[pa.Buffer] = []
    for batch in reader:
        if batch.num_rows:
            chunk.append(_bytes(batch.column(0)))
        if len(chunk) == _BATCHES_A_FILE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _bytes(lines: pa.StringArray) -> pa.Buffer:
    """The lines lie one behind the other in the array's own memory."""
    lines = lines.cast(pa.large_string())
    _, offsets, data = lines.buffers()
    edges = memoryview(offsets).cast("q")
    start, stop = edges[lines.offset], edges[lines.offset + len(lines)]
    return data.slice(start, stop - start)


def _save(path: Path, chunk: Sequence[pa.Buffer]) -> None:
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            raw.writelines(memoryview(part) for part in chunk)
            return
        with gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as out:
            for part in chunk:
                out.write(memoryview(part))
