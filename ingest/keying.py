"""From typed rows to stored rows: every identifier becomes its keyed hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingest.contract import FURTHER_KINDS, IDENTIFIER_FIELDS
from ingest.identifiers import FORMS, SEPARATOR, Normaliser
from ingest.identifiers.kinds import further
from ingest.pepper import Pepper
from ingest.secrets import KEY_NAMES, Redactor
from ingest.sifting import Sifted
from ingest.sql import fill, literal

IDENTIFIER_COLUMNS: Mapping[str, str] = {
    "kind": "VARCHAR",
    "identifier": "VARCHAR",
    "class": "VARCHAR",
    "prefix": "VARCHAR",
    "domain": "VARCHAR",
    "asn": "INTEGER",
    "country": "VARCHAR",
    "template": "VARCHAR",
    "stem": "VARCHAR",
    "number": "BIGINT",
    "skeleton": "VARCHAR",
    "client": "VARCHAR",
    "masked": "VARCHAR",
}
VAULT_COLUMNS: Mapping[str, str] = {
    "kind": "VARCHAR",
    "identifier": "VARCHAR",
    "value": "VARCHAR",
}

SEEN = "identifier.seen"

_REMEMBERED = 1_000_000
"""Raw texts of a kind that are kept in mind; past that they are hashed again."""

_FURTHER = "further"
_HASHED = ("prefix", "stem", "skeleton")

_FOUND = """
    CREATE TEMP TABLE found_identifiers ($columns);
    CREATE TEMP TABLE found_values (kind VARCHAR, identifier VARCHAR, value VARCHAR);
"""
_HASH = """
    CREATE OR REPLACE TEMP TABLE keyed AS
    SELECT kind, nr, value, $identifier AS identifier, class, $hashed,
           domain, asn, country, template, number, client, masked
    FROM forms
"""
_KEEP = """
    INSERT INTO found_identifiers BY NAME
    SELECT $columns FROM keyed WHERE identifier IS NOT NULL
"""
_KEEP_VALUE = """
    INSERT INTO found_values
    SELECT kind, identifier, value FROM keyed
    WHERE identifier IS NOT NULL AND value IS NOT NULL
"""
_ASKED = "SELECT identifier FROM keyed ORDER BY nr"


@dataclass
class Keying:
    """Hashes identifiers on a connection, remembering what it has seen."""

    connection: duckdb.DuckDBPyConnection
    pepper: Pepper
    normalisers: Mapping[str, Normaliser]
    _known: dict[str, dict[str, str | None]] = field(default_factory=dict)

    @property
    def _redactor(self) -> Redactor:
        return Redactor(self.pepper)

    def prepare(self) -> None:
        """Make the empty tables of what is found."""
        columns = ", ".join(f'"{n}" {t}' for n, t in IDENTIFIER_COLUMNS.items())
        self.connection.execute(fill(_FOUND, columns=columns))

    def key(self, sifted: Sifted) -> pa.Table:
        """Give rows as they are stored: secrets and identifiers as keyed hashes."""
        rows = sifted.rows.drop_columns("secret")
        of_key_id: pa.Array | None = None
        if pc.any(sifted.rows.column("secret")).as_py():
            rows, of_key_id = self._without_secrets(rows, sifted)
        for name, kind in IDENTIFIER_FIELDS.items():
            if name in rows.column_names:
                rows = _with(rows, name, self._identify(kind, _raw(rows, name)))
        if of_key_id is not None:
            rows = _with_key_hash(rows, of_key_id)
        return self._key_values(rows) if "value" in rows.column_names else rows

    def _without_secrets(
        self, rows: pa.Table, sifted: Sifted
    ) -> tuple[pa.Table, pa.Array]:
        """Clean the texts that are stored as they are, in the rows under suspicion.

        Gives the hash of the key beside them, where `key_id` is the raw key itself.
        """
        mask = sifted.rows.column("secret").combine_chunks()
        suspects = rows.filter(mask)
        hashes = pa.nulls(rows.num_rows, pa.string())
        if "key_id" in rows.column_names:
            found = self._hash_of_key_id(suspects)
            hashes = pc.replace_with_mask(hashes, mask, found)
        for name in sifted.route.texts:
            texts = suspects.column(name).combine_chunks()
            cleaned = self._redactor.clean_array(texts, name in KEY_NAMES)
            if not cleaned.equals(texts):
                whole = rows.column(name).combine_chunks()
                rows = _with(rows, name, pc.replace_with_mask(whole, mask, cleaned))
        return rows, hashes

    def _hash_of_key_id(self, rows: pa.Table) -> pa.Array:
        """Give the hash of the key where `key_id` is the raw key itself."""
        coded = rows.column("key_id").combine_chunks().dictionary_encode()
        texts = coded.dictionary.to_pylist()
        hashes = [self._redactor.key_hash(text) for text in texts]
        return pa.array(hashes, pa.string()).take(coded.indices)

    def _key_values(self, rows: pa.Table) -> pa.Table:
        """Hash the values of `identifier.seen` by the rules of their kinds."""
        seen = pc.equal(rows.column("type"), SEEN)
        if not pc.any(seen).as_py():
            return rows
        kinds = _canonical_kinds(rows.column("kind"))
        # A further kind travels in front of its value, so that all go in one step.
        own = pc.is_in(kinds, pa.array(IDENTIFIER_FIELDS.values()))
        before = pc.if_else(own, pc.if_else(pc.equal(kinds, "device"), "", None), kinds)
        raw = pc.coalesce(
            pc.binary_join_element_wise(before, rows.column("value"), SEPARATOR),
            rows.column("value"),
        )
        values = self._identify(
            _FURTHER, pc.if_else(pc.and_(seen, pc.invert(own)), raw, None)
        )
        for kind in IDENTIFIER_FIELDS.values():
            here = pc.and_(seen, pc.equal(kinds, kind))
            if pc.any(here).as_py():
                found = self._identify(kind, pc.if_else(here, raw, None))
                values = pc.coalesce(found, values)
        rows = _with(rows, "kind", pc.if_else(seen, kinds, rows.column("kind")))
        return _with(rows, "value", values)

    def _identify(self, kind: str, raw: pa.Array) -> pa.Array:
        """Give the identifier of each raw text, NULL where it has none."""
        if isinstance(raw, pa.ChunkedArray):
            raw = raw.combine_chunks()
        coded = raw.dictionary_encode()
        texts: list[str] = coded.dictionary.to_pylist()
        known = self._known.setdefault(kind, {})
        fresh = [text for text in texts if text not in known]
        if len(known) + len(fresh) > _REMEMBERED:
            known.clear()
            fresh = texts
        if fresh:
            known.update(zip(fresh, self.learn(kind, fresh), strict=True))
        identifiers = pa.array([known[text] for text in texts], pa.string())
        return identifiers.take(coded.indices)

    def learn(self, kind: str, fresh: list[str]) -> list[str | None]:
        """Normalise, hash and keep raw texts that are new."""
        kinds = [kind] * len(fresh)
        if kind == _FURTHER:
            kinds = [text.partition(SEPARATOR)[0] for text in fresh]
            fresh = [text.partition(SEPARATOR)[2] for text in fresh]
        raw = pa.array(fresh, pa.string())
        # A raw key in `key_hash` must first meet the hash that a proxy logged.
        raw = self._redactor.clean_array(raw) if kind != "key_hash" else raw
        forms = _complete(self.normalisers.get(kind, further)(raw))
        forms = forms.append_column("nr", pa.array(range(len(fresh)), pa.int64()))
        forms = forms.append_column("kind", pa.array(kinds, pa.string()))
        self.connection.register("forms", forms)
        self.connection.execute(_hash_sql(kind, self.pepper), self.pepper.pads())
        columns = ", ".join(f'"{name}"' for name in IDENTIFIER_COLUMNS)
        self.connection.execute(fill(_KEEP, columns=columns))
        self.connection.execute(_KEEP_VALUE)
        found = self.connection.sql(_ASKED).to_arrow_table()
        return list(found.column(0).to_pylist())


def _canonical_kinds(kinds: pa.ChunkedArray) -> pa.Array:
    """Name kinds in lower case; one with a field of its own by that field's kind."""
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(kinds)).combine_chunks()
    coded = plain.dictionary_encode()
    named = [FURTHER_KINDS.get(kind, kind) for kind in coded.dictionary.to_pylist()]
    return pa.array(named, pa.string()).take(coded.indices)


def _with_key_hash(rows: pa.Table, of_key_id: pa.Array) -> pa.Table:
    if "key_hash" in rows.column_names:
        both = pc.coalesce(rows.column("key_hash"), of_key_id)
        return _with(rows, "key_hash", both)
    if of_key_id.null_count == len(of_key_id):
        return rows
    return rows.append_column("key_hash", of_key_id)


def _complete(forms: pa.Table) -> pa.Table:
    """Add the columns that a kind has no use for; the text is what the vault keeps."""
    if "value" not in forms.column_names:
        forms = forms.append_column("value", forms.column("text"))
    for name, kind in FORMS.items():
        if name not in forms.column_names:
            forms = forms.append_column(name, pa.nulls(forms.num_rows, kind))
    return forms


def _hash_sql(kind: str, pepper: Pepper) -> str:
    is_key = kind == "key_hash"
    own = pepper.key_hash_sql("text") if is_key else pepper.keyed_sql("kind", "text")
    hashed = (
        pepper.keyed_sql("kind || " + literal(" " + name), name) + " AS " + name
        for name in _HASHED
    )
    return fill(_HASH, identifier=own, hashed=", ".join(hashed))


def _raw(rows: pa.Table, name: str) -> pa.Array:
    """Give the text that a field's identifier is made from."""
    texts = rows.column(name)
    if name != "device_id":
        return texts
    scheme: pa.Array | str = ""
    if "device_scheme" in rows.column_names:
        scheme = pc.fill_null(rows.column("device_scheme"), "")
    return pc.binary_join_element_wise(scheme, texts, SEPARATOR)


def _with(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), name, column)
