"""Finding anything by anything: ids as they are, personal values by their keyed hash.

What a person pastes is hashed under the pepper here and compared with the hashes in
the data; it is neither stored nor logged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd
import pyarrow as pa

from graph.dossier import Dossier, as_list
from ingest.identifiers import SEPARATOR, Normaliser
from ingest.identifiers.kinds import further, normalisers
from ingest.ledger import Ledger
from ingest.pepper import Pepper
from ingest.reference import Reference
from ingest.workspace import Workspace

MOST_TERMS = 1_000
# A network wider than this many /24 (or /48) is no address to look for.
_MOST_PREFIXES = 4_096
# Whole or from this many characters on a cluster is found by its beginning.
_LEAST_PREFIX = 6

_SEPARATORS = re.compile(r"[\s,;]+")

_BY_ID = """
    WITH terms AS (SELECT unnest($terms) AS term)
    SELECT term, 'account' AS type, account_id AS id, account_id AS label, cluster_id,
           1 AS accounts, typology AS note, score
    FROM accounts JOIN terms ON account_id = term
    UNION ALL
    SELECT term, 'key', key_id, key_id, '', 1, typology, score
    FROM keys JOIN terms ON key_id = term
    UNION ALL
    SELECT term, 'tenant', tenant_id, tenant_id, '', members, typology, score
    FROM tenants JOIN terms ON tenant_id = term
    UNION ALL
    SELECT term, 'cluster', cluster_id, cluster_id, cluster_id, accounts, typology,
           score
    FROM clusters JOIN terms ON cluster_id = term
        OR length(term) >= $least AND starts_with(cluster_id, term)
    UNION ALL
    SELECT term, kind, identifier, coalesce(masked, identifier), '', accounts, class, 0
    FROM identifiers JOIN terms ON identifier = term
        AND kind NOT IN ('key', 'tenant', 'model', 'endpoint')
    ORDER BY ALL
"""

_BY_HASH = """
    SELECT h.term, i.kind AS type, i.identifier AS id,
           coalesce(i.masked, i.identifier) AS label, '' AS cluster_id, i.accounts,
           i.class AS note, 0.0 AS score
    FROM identifiers i JOIN hashes h USING (kind, identifier) ORDER BY ALL
"""

_PREFIXED = """
    SELECT DISTINCT p.term, i.kind, i.identifier
    FROM identifiers i JOIN prefixes p USING (prefix) WHERE i.kind = 'ip'
    ORDER BY ALL LIMIT 1000
"""

_HASHED_KEYS = """
    SELECT DISTINCT h.term, e.key_id FROM events e JOIN hashes h
    ON e.key_hash = h.identifier WHERE e.key_id IS NOT NULL ORDER BY ALL
"""

_FURTHER = """
    SELECT DISTINCT kind FROM identifiers
    WHERE kind NOT IN ('email', 'phone', 'ip', 'device', 'card', 'user_agent',
                       'key_hash')
    ORDER BY kind
"""

_SCHEMES = "SELECT DISTINCT device_scheme FROM events WHERE device_scheme IS NOT NULL"

_COLUMNS = ("term", "type", "id", "label", "cluster_id", "accounts", "note", "score")


@dataclass(frozen=True)
class Lookup:
    """What turns a pasted value into the keyed hash under which the data holds it."""

    pepper: Pepper
    normalisers: Mapping[str, Normaliser]

    @classmethod
    def of(cls, workspace: Workspace) -> Lookup:
        """The look-up by the workspace's pepper and reference data."""
        pepper = Ledger.open(workspace).pepper
        return cls(pepper, normalisers(Reference.of(workspace)))

    def hashes(
        self, kind: str, raw: Sequence[str], form: str = "text"
    ) -> list[str | None]:
        """The keyed hash of each raw value as `kind`; None where it can't be one."""
        normalise = self.normalisers.get(kind, further)
        column = normalise(pa.array(raw, pa.string())).column(form).to_pylist()
        scope = kind if form == "text" else f"{kind} {form}"
        return [self.pepper.keyed(scope, text) if text else None for text in column]


def split(text: str) -> list[str]:
    """The terms of a pasted text, each once, at most `MOST_TERMS`."""
    parts = (part.strip("\"'<>()") for part in _SEPARATORS.split(text))
    return list(dict.fromkeys(part for part in parts if part))[:MOST_TERMS]


def search(
    dossier: Dossier,
    ledger: duckdb.DuckDBPyConnection,
    lookup: Lookup,
    terms: Sequence[str],
) -> pd.DataFrame:
    """One row a hit: the term, what was found, its label, how many accounts have it.

    `ledger` is a connection with the views `events` and `identifiers`.
    """
    if not terms:
        return pd.DataFrame(columns=list(_COLUMNS))
    asked = {"terms": as_list(terms), "least": _LEAST_PREFIX}
    values = [_hashes(ledger, lookup, terms), _in_networks(ledger, lookup, terms)]
    found = [
        dossier.ask(_BY_ID, asked),
        dossier.ask(_BY_HASH, hashes=pd.concat(values, ignore_index=True)),
        _keys_by_hash(dossier, ledger, lookup.pepper, terms),
    ]
    hits = pd.concat([frame for frame in found if len(frame)] or found[:1])
    return hits.drop_duplicates(["term", "type", "id"], ignore_index=True)


def _hashes(
    ledger: duckdb.DuckDBPyConnection, lookup: Lookup, terms: Sequence[str]
) -> pd.DataFrame:
    """The keyed hash of each term as every kind that it may be."""
    schemes = [scheme for (scheme,) in ledger.execute(_SCHEMES).fetchall()]
    further_kinds = [kind for (kind,) in ledger.execute(_FURTHER).fetchall()]
    kinds = ["email", "phone", "ip", "card", "user_agent", *further_kinds]
    asked = [(kind, list(terms)) for kind in dict.fromkeys(kinds)]
    asked += [
        ("device", [f"{scheme}{SEPARATOR}{term}" for term in terms])
        for scheme in dict.fromkeys(["", *schemes])
    ]
    rows = [
        (term, kind, identifier)
        for kind, raw in asked
        for term, identifier in zip(terms, lookup.hashes(kind, raw), strict=True)
        if identifier
    ]
    return pd.DataFrame(rows, columns=["term", "kind", "identifier"], dtype=str)


def _in_networks(
    ledger: duckdb.DuckDBPyConnection, lookup: Lookup, terms: Sequence[str]
) -> pd.DataFrame:
    """Addresses in the networks among the terms, by the hashes of their prefixes."""
    parts = [(term, part) for term in terms if "/" in term for part in prefixes(term)]
    if not parts:
        return pd.DataFrame(columns=["term", "kind", "identifier"])
    hashes = lookup.hashes("ip", [part for _, part in parts], "prefix")
    wanted = pd.DataFrame(
        {"term": [term for term, _ in parts], "prefix": hashes}, dtype=str
    )
    ledger.register("prefixes", wanted)
    return ledger.execute(_PREFIXED).df()


def prefixes(network: str) -> list[str]:
    """An address in each /24 (IPv4) or /48 (IPv6) that a network covers or lies in.

    Empty for what is no network, and for one too wide to look through.
    """
    try:
        whole = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return []
    step = 24 if whole.version == 4 else 48
    if whole.prefixlen >= step:
        return [str(whole.network_address)]
    if 2 ** (step - whole.prefixlen) > _MOST_PREFIXES:
        return []
    # A documentation or network address may count as no identifier; any host will do.
    return [str(part.network_address + 1) for part in whole.subnets(new_prefix=step)]


def _keys_by_hash(
    dossier: Dossier,
    ledger: duckdb.DuckDBPyConnection,
    pepper: Pepper,
    terms: Sequence[str],
) -> pd.DataFrame:
    """Keys by their raw text or by its SHA-256, as a leak report or a proxy has it."""
    rows = [(term, pepper.raw_key(term)) for term in terms]
    rows += [(term, pepper.key_hash(term)) for term in terms if len(term) == 64]
    hashes = pd.DataFrame(rows, columns=["term", "identifier"])
    ledger.register("hashes", hashes)
    named = ledger.execute(_HASHED_KEYS).df()
    asked = {"terms": as_list(named["key_id"].tolist()), "least": 10_000}
    found = dossier.ask(_BY_ID, asked)
    found = found[found["type"] == "key"].drop(columns="term")
    return found.merge(named, left_on="id", right_on="key_id")[list(_COLUMNS)]
