"""Tombstones: who was forgotten, known by keyed hashes alone.

A tombstone lies in the manifest until it expires. While it stands, events of the
person are refused and texts that name them are blanked at every ingest, so that the
same logs read again do not bring the person back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from ingest.contract import EVENT_TYPES, FREE_TEXT
from ingest.identifiers import key
from ingest.manifest import Manifest, Tombstone
from ingest.pepper import Pepper
from ingest.secrets import KEY_NAMES, Redactor
from ingest.sifting import Sifted

REASON = "account_id: is of an account that was forgotten"
ERASED = "(erased)"
"""What stands in the quarantine for a line that names somebody who was forgotten."""

OWNED = ("key_id", "charge_id", "payment_method_id", "key_hash", "tenant_id")
"""What an event without `account_id` may be somebody's by."""

BLANKED = tuple(
    name
    for name in sorted(FREE_TEXT)
    if name not in {"event_id", "account_id", "kind", "verdict"}
)
"""Columns that are blanked where they name somebody and their type can do without."""

# The parts of a text that may name somebody: ids and addresses, whole and in pieces.
_WHOLE = re.compile(r"""[^\s"'<>(){}\[\],;]+""")
_PIECES = re.compile(r"""[^\s"'<>(){}\[\],;:=&?/\\|]+""")
_ID, _VALUE = "forgotten id", "forgotten value"

Test = Callable[[str], bool]


def today() -> str:
    """Give the date by the machine's clock (UTC), as tombstones hold it."""
    return datetime.now(UTC).date().isoformat()


def spared(name: str) -> tuple[str, ...]:
    """Name the event types that can't do without a field, which so stays there."""
    return tuple(
        event.name
        for event in EVENT_TYPES
        if name in event.required
        or (name in event.one_of and "account_id" not in event.one_of)
    )


@dataclass(frozen=True)
class Forgotten:
    """Recognises what is of, or names, people who were forgotten.

    `ids` and `values` are plain texts, known while somebody is being forgotten; after
    that, the tombstones' hashes are all there is.
    """

    pepper: Pepper
    tombstones: tuple[Tombstone, ...] = ()
    ids: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()

    @classmethod
    def of(cls, manifest: Manifest, pepper: Pepper, today: str) -> Forgotten:
        """Those whose tombstone has not expired on `today` (a date, ISO 8601)."""
        standing = (one for one in manifest.forgotten if one.expires > today)
        return cls(pepper, tuple(standing))

    @cached_property
    def _hashes(self) -> frozenset[str]:
        return frozenset(name for one in self.tombstones for name in one.names)

    @property
    def _nobody(self) -> bool:
        return not (self._hashes or self.ids)

    def holds(self, text: str) -> bool:
        """Whether a text is an id that was forgotten."""
        if text in self.ids:
            return True
        return bool(self._hashes) and self.pepper.keyed(_ID, text) in self._hashes

    def names(self, text: str) -> bool:
        """Whether a text is, or has in it, an id or value that was forgotten."""
        parts = {text, *_WHOLE.findall(text), *_PIECES.findall(text)}
        return any(self.holds(part) or self._is_value(part) for part in parts)

    def _is_value(self, text: str) -> bool:
        folded = text.casefold()
        if folded in self.values:
            return True
        return bool(self._hashes) and self.pepper.keyed(_VALUE, folded) in self._hashes

    def part(self, sifted: Sifted) -> tuple[Sifted, pa.Table | None]:
        """Part rows from those of forgotten people, which come as bad records.

        What names such a person in the other rows is blanked. With no tombstone: the
        same rows, and None.
        """
        if self._nobody:
            return sifted, None
        rows = sifted.rows
        mine = self.mine(rows, self._holds_key)
        bad = sifted.records.take(rows.column("nr").filter(mine))
        bad = bad.append_column("reason", pa.array([REASON] * bad.num_rows))
        kept = self.blanked(rows.filter(pc.invert(mine)))
        return Sifted(sifted.route, sifted.records, kept), bad

    def mine(self, rows: pa.Table, holds_key: Test) -> pa.Array:
        """Mark the rows that are of somebody forgotten.

        `holds_key` tells a forgotten `key_hash`: raw at an ingest, keyed in a segment.
        """
        mine = self._marked(rows, "account_id", self.holds)
        named = self._marked(rows, "account_id", lambda _: True)
        for name in OWNED:
            held = self._marked(
                rows, name, holds_key if name == "key_hash" else self.holds
            )
            mine = pc.or_(mine, pc.and_not(held, named))
        return mine

    def blanked(self, rows: pa.Table) -> pa.Table:
        """Blank what names somebody forgotten, where the event can do without it."""
        for name in BLANKED:
            if name not in rows.column_names:
                continue
            marked = self._marked(
                rows, name, self.holds if name in OWNED else self.names
            )
            if not pc.any(marked).as_py():
                continue
            types = rows.column("type").combine_chunks()
            needed = pc.is_in(types, pa.array(spared(name), pa.string()))
            blank = pc.and_not(marked, needed)
            texts = pc.if_else(blank, None, rows.column(name).combine_chunks())
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, name, texts)
        return rows

    def clean(self, texts: pa.Array) -> pa.Array:
        """Put `ERASED` in place of the lines that name somebody forgotten."""
        if self._nobody:
            return texts
        marked = self._marked(pa.table({"text": texts}), "text", self.names)
        return pc.if_else(marked, ERASED, texts)

    def _holds_key(self, raw: str) -> bool:
        digest = key.normalise(pa.array([raw])).column("text")[0].as_py()
        # The tombstone has the hash as it was stored when it was made.
        return any(self.holds(age.key_hash(digest)) for age in self.pepper.ages)

    def _marked(self, rows: pa.Table, name: str, test: Test) -> pa.Array:
        """Mark the rows whose text passes a test, as it came or as it is stored.

        A raw key among them is stored as its keyed hash. Each distinct text is tested
        once.
        """
        if name not in rows.column_names:
            return pa.array([False] * rows.num_rows, pa.bool_())
        coded = rows.column(name).combine_chunks().dictionary_encode()
        stored = Redactor(self.pepper).clean_array(coded.dictionary, name in KEY_NAMES)
        pairs = zip(coded.dictionary.to_pylist(), stored.to_pylist(), strict=True)
        passed = [test(came) or (came != kept and test(kept)) for came, kept in pairs]
        return pc.fill_null(pa.array(passed, pa.bool_()).take(coded.indices), False)


def tombstone(somebody: Forgotten, expires: str) -> Tombstone:
    """Give what is kept of plain ids and values: their hashes, until a date."""
    pepper = somebody.pepper
    names = {pepper.keyed(_ID, text) for text in somebody.ids}
    names |= {pepper.keyed(_VALUE, text) for text in somebody.values}
    return Tombstone(today(), expires, tuple(sorted(names)))
