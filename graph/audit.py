"""The audit: an append-only chain in which any change shows.

Each entry's hash is HMAC-SHA256 over the one before it and the entry's canonical
JSON, under a key that lies outside the database. The last hash also goes to an
anchor file, so that a tail cut off is missed there. Keep the anchor on another
machine (`RINGFENCE_AUDIT_ANCHOR`) where whoever can write the database can't.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from graph.case_tables import AUDIT, HEAD
from ingest.workspace import Workspace

_GENESIS = "0" * 64
_COLUMNS = AUDIT.columns.keys()

# The action of the entry that says which earlier entries lost their subject.
ERASE = "erase"


@dataclass(frozen=True)
class Entry:
    """Who did what to which subject, when.

    `detail` holds codes and counts, nothing that an erasure would have to reach.
    """

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, object]


@dataclass(frozen=True)
class Fault:
    """One place where the chain doesn't hold."""

    seq: int
    what: str


@dataclass(frozen=True)
class Chain:
    """The chain of one case file: its keys and the place of its anchor.

    Each pepper gives a key, the oldest first; the newest one signs. An entry may bear
    an older key only while no entry before it bears a newer one.
    """

    keys: tuple[bytes, ...]
    anchor: Path

    @classmethod
    def of(cls, workspace: Workspace, pepper: bytes) -> Chain:
        """The workspace's chain; `pepper` may hold several, see `ingest.pepper`."""
        named = os.environ.get("RINGFENCE_AUDIT_ANCHOR", "")
        anchor = Path(named) if named else workspace.root / "audit.anchor"
        keys = (
            _mac(line.strip(), "ringfence audit chain 1").encode()
            for line in pepper.splitlines()
            if line.strip()
        )
        return cls(tuple(keys), anchor)

    def append(self, connection: sa.Connection, entry: Entry) -> str:
        """Add `entry` inside the caller's transaction; returns the anchor's line."""
        head = connection.execute(sa.select(HEAD).with_for_update()).one_or_none()
        seq, previous = (head.seq + 1, head.hash) if head else (1, _GENESIS)
        key = self.keys[-1]
        row = {
            "seq": seq,
            "at": entry.at,
            "by": entry.by,
            "action": entry.action,
            "digest": _mac(key, f"{seq}\0{entry.subject}"),
            "detail": _canonical(entry.detail),
            "previous": previous,
        }
        mark = _hash(key, row)
        connection.execute(
            AUDIT.insert(), row | {"subject": entry.subject, "hash": mark}
        )
        if head:
            connection.execute(HEAD.update().values(seq=seq, hash=mark))
        else:
            connection.execute(HEAD.insert(), {"head_id": 1, "seq": seq, "hash": mark})
        return f"{seq} {mark} {_mac(key, f'{seq} {mark}')}\n"

    def head(self, connection: sa.Connection) -> str:
        """The hash of the last entry: another one means that something happened."""
        return str(connection.execute(sa.select(HEAD.c.hash)).scalar() or _GENESIS)

    def write_anchor(self, lines: str) -> None:
        """Append anchor lines; call it once the transaction is committed."""
        with self.anchor.open("a") as file:
            file.write(lines)

    def verify(self, connection: sa.Connection) -> list[Fault]:
        """Every place where an entry was changed, removed, moved or cut off."""
        hashes: dict[int, str] = {}
        faults: list[Fault] = []
        previous, expected, age = _GENESIS, 1, 0
        rows = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.seq)).all()
        erased = _erased(rows)
        for row in rows:
            faults += self._order_faults(row, expected, previous)
            age = self._age(row, age)
            faults += self._body_faults(row, erased, self.keys[age])
            hashes[row.seq] = row.hash
            previous, expected = row.hash, row.seq + 1
        head = connection.execute(sa.select(HEAD)).one_or_none()
        if (head.hash if head else _GENESIS) != previous:
            faults.append(Fault(expected, "the chain ends before or after its head"))
        return faults + list(self._anchor_faults(hashes))

    def _order_faults(
        self, row: sa.Row[Any], expected: int, previous: str
    ) -> Iterator[Fault]:
        if row.seq != expected or row.previous != previous:
            yield Fault(row.seq, "an entry before it is missing or moved")

    def _age(self, row: sa.Row[Any], least: int) -> int:
        """The place of the key that signed the entry; `least` where none did."""
        fields = dict(zip(_COLUMNS, row, strict=True))
        for place in range(least, len(self.keys)):
            if hmac.compare_digest(row.hash, _hash(self.keys[place], fields)):
                return place
        return least

    def _body_faults(
        self, row: sa.Row[Any], erased: frozenset[int], key: bytes
    ) -> Iterator[Fault]:
        fields = dict(zip(_COLUMNS, row, strict=True))
        if not hmac.compare_digest(row.hash, _hash(key, fields)):
            yield Fault(row.seq, "the entry was changed")
        digest = _mac(key, f"{row.seq}\0{row.subject}")
        if not hmac.compare_digest(row.digest, digest) and not (
            row.subject == "" and row.seq in erased
        ):
            yield Fault(row.seq, "the entry's subject was changed")

    def _anchor_faults(self, hashes: Mapping[int, str]) -> Iterator[Fault]:
        if not self.anchor.exists():
            if hashes:
                yield Fault(max(hashes), f"the anchor {self.anchor.name} is missing")
            return
        for line in self.anchor.read_text().splitlines():
            seq, _, rest = line.partition(" ")
            mark, _, mac = rest.partition(" ")
            if not any(
                hmac.compare_digest(mac, _mac(key, f"{seq} {mark}"))
                for key in self.keys
            ):
                yield Fault(0, "a line of the anchor was changed")
            elif hashes.get(int(seq)) != mark:
                yield Fault(int(seq), "the anchor knows this entry, the chain doesn't")


def _hash(key: bytes, row: Mapping[str, object]) -> str:
    covered = {
        name: str(row[name])
        for name in ("seq", "at", "by", "action", "digest", "detail")
    }
    return _mac(key, f"{row['previous']}{_canonical(covered)}")


def _erased(rows: Iterable[sa.Row[Any]]) -> frozenset[int]:
    """The entries whose subject an audited erasure blanked."""
    return frozenset(
        seq
        for row in rows
        if row.action == ERASE
        for seq in json.loads(row.detail).get("entries", [])
    )


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _mac(key: bytes, text: str) -> str:
    return hmac.new(
        key, text.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()
