"""Reference data: networks, mail domains and model prices, shipped or brought along.

What is shipped lies beside this file, with its sources and licences in `README.md`.
What a user brings with `ringfence reference update FILE` lies in the workspace and is
read on top of it.
"""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import ReferenceDataError
from ingest.workspace import Workspace

_HERE = Path(__file__).parent
_MAX_BYTES = 64 << 20

# An address block or a domain name as any provider's list writes it.
_BLOCK = re.compile(r"(?<![\w.:])([0-9A-Fa-f:.]{2,45}/\d{1,3})(?![\w.])")
_DOMAIN = re.compile(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")

Bounds = np.ndarray[tuple[int], np.dtype[np.uint64]]


@dataclass(frozen=True)
class Ranges:
    """Classed address ranges of one family; ends belong to them.

    IPv4 addresses are numbers of 32 bits, of IPv6 the upper 64 bits count.
    """

    first: Bounds
    last: Bounds
    classes: np.ndarray[tuple[int], np.dtype[np.object_]]

    def find(self, addresses: Bounds) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
        """Give each address's class; None where no range holds it."""
        found = np.full(addresses.size, None, dtype=object)
        if not self.first.size:
            return found
        at = np.searchsorted(self.first, addresses, side="right").astype(np.int64) - 1
        inside = (at >= 0) & (addresses <= self.last[at.clip(0)])
        found[inside] = self.classes[at[inside]]
        return found


@dataclass(frozen=True)
class Reference:
    """The reference data as one workspace sees it."""

    folder: Path

    @classmethod
    def of(cls, workspace: Workspace) -> Reference:
        """Give the data that is shipped with what the workspace adds."""
        return cls(workspace.root / "reference")

    @property
    def version(self) -> str:
        """A hash of all that was brought along; empty when nothing was."""
        files = sorted(self.folder.glob("*.parquet"))
        digests = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
        joined = " ".join(digests)
        return hashlib.sha256(joined.encode()).hexdigest() if joined else ""

    @cached_property
    def networks(self) -> dict[tuple[int, str], Ranges]:
        """The classed ranges, by IP version and class."""
        own = sorted(self.folder.glob("networks-*.parquet"))
        return _networks(own) if own else _shipped_networks()

    @property
    def asns(self) -> tuple[Bounds, Bounds, Bounds]:
        """First and last address and number of each IPv4 range with an ASN."""
        return _shipped_asns()

    @property
    def asn_classes(self) -> dict[int, str]:
        """Class of the autonomous systems that have one."""
        return _shipped_asn_classes()

    @cached_property
    def domains(self) -> dict[str, str]:
        """Class of the mail domains that have one."""
        own = sorted(self.folder.glob("domains-*.parquet"))
        return {**_shipped_domains(), **_pairs(*own)} if own else _shipped_domains()


# What is shipped is read once a process; many small ingests would read it as often.


@cache
def _shipped_networks() -> dict[tuple[int, str], Ranges]:
    return _networks(())


@cache
def _shipped_asns() -> tuple[Bounds, Bounds, Bounds]:
    table = pq.read_table(_HERE / "asn_v4.parquet")
    first = table.column("first").to_numpy().astype(np.uint64)
    last = first + table.column("size").to_numpy().astype(np.uint64) - np.uint64(1)
    return first, last, table.column("asn").to_numpy().astype(np.uint64)


@cache
def _shipped_asn_classes() -> dict[int, str]:
    return _pairs(_HERE / "asn_classes.parquet")


@cache
def _shipped_domains() -> dict[str, str]:
    return _pairs(_HERE / "email_domains.parquet")


def _networks(own: Sequence[Path]) -> dict[tuple[int, str], Ranges]:
    """The shipped ranges and a workspace's own."""
    tables = [pq.read_table(path) for path in (_HERE / "networks.parquet", *own)]
    merged = pa.concat_tables(tables)
    version = merged.column("version").to_numpy()
    classes = np.asarray(merged.column("class").to_pylist(), dtype=object)
    found = {}
    for family in (4, 6):
        for name in sorted(set(classes[version == family])):
            rows = (version == family) & (classes == name)
            first = merged.column("first").to_numpy()[rows]
            last = merged.column("last").to_numpy()[rows]
            found[family, name] = _disjoint(first, last, name)
    return found


def _pairs(*files: Path) -> dict[Any, str]:
    """The two columns of each file, the later file's word before the earlier's."""
    found: dict[Any, str] = {}
    for path in files:
        columns = (column.to_pylist() for column in pq.read_table(path).columns)
        found.update(zip(*columns, strict=True))
    return found


def prices() -> pa.Table:
    """Give the price list: `model`, `input_usd_per_token`, `output_usd_per_token`.

    US dollars a token; a missing output price means that the model has none.
    """
    return pq.read_table(_HERE / "prices.parquet")


def update(workspace: Workspace, file: Path) -> int:
    """Take a list of networks or mail domains into the workspace; count its entries.

    Address blocks are found in whatever form a provider publishes them (JSON, CSV,
    text, plain or gzip) and classed `datacentre`, or `vpn` or `relay` where the
    file's name says so. A list of domains, one a line, is classed `disposable`, or
    `free`, `university` or `relay` by the file's name. The same file name again
    replaces what it brought before. Raises `ReferenceDataError` when nothing is found.
    """
    text = _text(file)
    folder = workspace.root / "reference"
    name = re.sub(r"[^a-z0-9]+", "-", file.name.lower()).strip("-")
    domains = sorted({line for line in _lines(text) if _DOMAIN.match(line)})
    blocks = sorted(set(_blocks(text)))
    if blocks:
        kind = _named(file, ("vpn", "relay"), "datacentre")
        table = _network_table(blocks, kind)
        target = folder / f"networks-{name}.parquet"
    elif domains:
        kind = _named(file, ("free", "university", "relay"), "disposable")
        table = pa.table({"domain": domains, "class": [kind] * len(domains)})
        target = folder / f"domains-{name}.parquet"
    else:
        raise ReferenceDataError(
            f"{file} holds neither address blocks nor a list of domains: "
            "give a provider's published list"
        )
    folder.mkdir(exist_ok=True, mode=0o700)
    fresh = target.with_suffix(".new")
    pq.write_table(table, fresh)
    fresh.rename(target)
    return int(table.num_rows)


def _named(file: Path, kinds: tuple[str, ...], usual: str) -> str:
    return next((kind for kind in kinds if kind in file.name.lower()), usual)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file) if zipped else file.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ReferenceDataError(
            f"{file} can't be read ({type(error).__name__}): give a text or gzip file"
        ) from error
    if len(data) > _MAX_BYTES:
        raise ReferenceDataError(f"{file} is over {_MAX_BYTES} bytes: split the list")
    return data.decode("utf-8", "replace")


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield line.split("#")[0].strip().lower()


def _blocks(text: str) -> Iterator[tuple[int, int, int]]:
    for match in _BLOCK.finditer(text):
        try:
            block = ipaddress.ip_network(match[1], strict=False)
        except ValueError:
            continue
        first, last = int(block.network_address), int(block.broadcast_address)
        shift = 64 if block.version == 6 else 0
        yield block.version, first >> shift, last >> shift


def _network_table(blocks: list[tuple[int, int, int]], kind: str) -> pa.Table:
    version, first, last = zip(*blocks, strict=True)
    columns = {
        "version": pa.array(version, pa.int8()),
        "first": pa.array(first, pa.uint64()),
        "last": pa.array(last, pa.uint64()),
        "class": pa.array([kind] * len(blocks), pa.string()),
    }
    return pa.table(columns)


def _disjoint(first: Bounds, last: Bounds, name: str) -> Ranges:
    """Join ranges that overlap or touch, so that a search finds the only one."""
    order = np.argsort(first, kind="stable")
    first, reach = first[order], np.maximum.accumulate(last[order])
    opens = np.ones(first.size, dtype=bool)
    opens[1:] = first[1:] > reach[:-1]
    ends = np.append(np.flatnonzero(opens)[1:] - 1, first.size - 1)
    classes = np.full(int(opens.sum()), name, dtype=object)
    return Ranges(first[opens], reach[ends], classes)
