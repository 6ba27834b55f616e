"""IP addresses: unwrapped, linked by /32 or /64, classed by range and network."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.reference import Bounds, Reference

_NET = ipaddress.ip_network
_V4_SPECIAL = (
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ("cgnat", ("100.64.0.0/10",)),
    ("loopback", ("127.0.0.0/8",)),
    ("link-local", ("169.254.0.0/16",)),
    ("reserved", ("0.0.0.0/8", "192.0.0.0/24", "224.0.0.0/3", "198.18.0.0/15")),
)
_V6_SPECIAL = (
    ("private", ("fc00::/7",)),
    ("loopback", ("::/64",)),
    ("link-local", ("fe80::/10",)),
    ("reserved", ("ff00::/8", "fec0::/10", "100::/64")),
)
# The first that holds an address decides: a relay inside a datacentre is a relay.
_BY_RANGE = ("relay", "vpn", "datacentre")

_MAPPED = bytes(10) + b"\xff\xff"
_NAT64 = bytes.fromhex("0064ff9b") + bytes(8)
_6TO4 = bytes.fromhex("2002")
_TEREDO = bytes.fromhex("20010000")

Rows = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Marks = np.ndarray[tuple[int], np.dtype[np.bool_]]
Classes = np.ndarray[tuple[int], np.dtype[np.object_]]


def parse(raw: str) -> bytes | None:
    """Give an address as 16 bytes, IPv4 mapped into IPv6; None for what is none.

    Brackets, a port behind brackets or an IPv4 address, a zone, and the /64 of an
    address that was normalised before are dropped.
    Octets with leading zeros, which systems read differently, are refused.
    """
    text = raw.strip().removesuffix("/64")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    text = text.partition("%")[0]
    try:
        if ":" in text:
            return socket.inet_pton(socket.AF_INET6, text)
        return _MAPPED + socket.inet_pton(socket.AF_INET, text)
    except (OSError, UnicodeError, ValueError):
        return None


def _plain(raw: str) -> bytes | None:
    """Give an address that needs no trimming, which is the most usual kind."""
    try:
        if ":" in raw:
            return socket.inet_pton(socket.AF_INET6, raw)
        return _MAPPED + socket.inet_pton(socket.AF_INET, raw)
    except (OSError, UnicodeError, ValueError):
        return None


def unwrap(rows: Rows) -> Rows:
    """Take the IPv4 address out of NAT64, 6to4 and Teredo, where it is the client.

    RFC 6052 2.1 (64:ff9b::/96), RFC 3056 (2002::/16), RFC 4380 4 (2001::/32, the
    client's address inverted).
    """
    found = rows.copy()
    for prefix, start, flip in ((_NAT64, 12, 0), (_6TO4, 2, 0), (_TEREDO, 12, 0xFF)):
        inside = _starts(rows, prefix)
        found[inside, :12] = np.frombuffer(_MAPPED, dtype=np.uint8)
        found[inside, 12:] = rows[inside, start : start + 4] ^ flip
    return found


def _starts(rows: Rows, prefix: bytes) -> Marks:
    head = np.frombuffer(prefix, dtype=np.uint8)
    return np.asarray((rows[:, : head.size] == head).all(axis=1))


@dataclass(frozen=True)
class IpNormaliser:
    """Normalises IP addresses with the reference data of a workspace."""

    reference: Reference

    def __call__(self, raw: pa.Array) -> pa.Table:
        """Give each address's form; what can't be read has none."""
        packed = [_plain(text) or parse(text) for text in raw.to_pylist()]
        read = np.array([one is not None for one in packed], dtype=bool)
        joined = b"".join(one if one is not None else bytes(16) for one in packed)
        rows = unwrap(np.frombuffer(joined, dtype=np.uint8).reshape(-1, 16))
        is_v4 = _starts(rows, _MAPPED)
        v4 = rows[:, 12:].copy().view(">u4").ravel().astype(np.uint64)
        v6 = rows[:, :8].copy().view(">u8").ravel().astype(np.uint64)
        asn = self._asn(np.where(is_v4, v4, 0)) * is_v4
        classes = np.where(
            is_v4, self._classes(4, v4, asn), self._classes(6, v6, asn * 0)
        )
        text, prefix, masked = _texts(rows, is_v4)
        unread = pa.array(~read)
        return pa.table(
            {
                "text": pc.if_else(unread, None, text),
                "class": pa.array(classes, pa.string(), mask=~read),
                "prefix": pc.if_else(unread, None, prefix),
                "asn": pa.array(asn.astype(np.int32), mask=(asn == 0) | ~read),
                "masked": pc.if_else(unread, None, masked),
            }
        )

    def _asn(self, v4: Bounds) -> Bounds:
        first, last, asn = self.reference.asns
        at = np.searchsorted(first, v4, side="right").astype(np.int64) - 1
        inside = (at >= 0) & (v4 <= last[at.clip(0)])
        return np.where(inside, asn[at.clip(0)], 0).astype(np.uint64)

    def _classes(self, version: int, addresses: Bounds, asn: Bounds) -> Classes:
        """Class addresses; documentation ranges count as ordinary ones."""
        by_asn = self.reference.asn_classes
        numbers, place = np.unique(asn, return_inverse=True)
        named = [by_asn.get(int(number), "residential") for number in numbers]
        found = np.asarray(named, dtype=object)[place]
        for name in reversed(_BY_RANGE):
            ranges = self.reference.networks.get((version, name))
            if ranges is not None:
                inside = ranges.find(addresses)
                found[inside != None] = name  # noqa: E711 - elementwise
        shift = 64 if version == 6 else 0
        for name, blocks in _V6_SPECIAL if version == 6 else _V4_SPECIAL:
            for block in map(_NET, blocks):
                low = int(block.network_address) >> shift
                high = int(block.broadcast_address) >> shift
                found[(addresses >= low) & (addresses <= high)] = name
        return found


def _texts(rows: Rows, is_v4: Marks) -> list[pa.Array]:
    """Give addresses, their context prefixes and their masks."""
    four, six = _four(rows[:, 12:]), _six(rows[:, :8])
    mask = pa.array(is_v4)
    return [pc.if_else(mask, a, b) for a, b in zip(four, six, strict=True)]


def _four(octets: Rows) -> list[pa.Array]:
    parts = [_octets().take(pa.array(octets[:, at])) for at in range(4)]
    return [
        pc.binary_join_element_wise(*parts, "."),
        pc.binary_join_element_wise(*parts[:3], "0/24", "."),
        pc.binary_join_element_wise(*parts[:2], "•••", "."),
    ]


def _six(half: Rows) -> list[pa.Array]:
    groups = half.copy().view(">u2").astype(np.uint16)
    parts = [_groups().take(pa.array(groups[:, at])) for at in range(4)]
    return [
        pc.binary_join_element_wise(*parts, ":/64", ":"),
        pc.binary_join_element_wise(*parts[:3], ":/48", ":"),
        pc.binary_join_element_wise(*parts[:2], "•••", ":"),
    ]


@cache
def _octets() -> pa.Array:
    return pa.array([str(octet) for octet in range(1 << 8)])


@cache
def _groups() -> pa.Array:
    return pa.array([f"{group:x}" for group in range(1 << 16)])
