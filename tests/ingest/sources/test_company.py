"""Four systems of one company meet in one ledger: accounts, keys and charges join."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ingest.aliases import resolve
from ingest.ledger import Counts, Ledger
from tests.ingest.sources import company


@pytest.fixture
def counts(ledger: Ledger, tmp_path: Path) -> Counts:
    return ledger.ingest(company.write(tmp_path))


@pytest.fixture
def events(ledger: Ledger, counts: Counts) -> Iterator[duckdb.DuckDBPyConnection]:
    with ledger._views(("events", "vault")) as connection:
        resolve(connection)
        yield connection


def found(
    connection: duckdb.DuckDBPyConnection, query: str
) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_every_record_of_the_four_systems_is_taken(counts: Counts) -> None:
    assert counts.quarantined == 0
    assert counts.duplicate == 0
    assert counts.accepted == 3428


def test_all_systems_name_an_account_alike(
    events: duckdb.DuckDBPyConnection,
) -> None:
    names = found(events, "SELECT DISTINCT account_id FROM events ORDER BY ALL")
    everyone = sorted(who.account for who in company.EVERYONE)
    assert [name for (name,) in names if name] == everyone


def test_the_stolen_card_leads_to_what_it_paid_for(
    events: duckdb.DuckDBPyConnection,
) -> None:
    thieves = found(
        events,
        """
        SELECT DISTINCT u.account_id FROM events d
        JOIN events c ON c.type = 'payment.charged' AND c.charge_id = d.charge_id
        JOIN events u ON u.type = 'usage.recorded' AND u.account_id = c.account_id
        WHERE d.type = 'payment.disputed' ORDER BY ALL
        """,
    )
    assert [who for (who,) in thieves] == [who.account for who in company.THIEVES]
    cards = found(
        events,
        "SELECT count(DISTINCT account_id) FROM events WHERE card_fingerprint NOTNULL"
        " GROUP BY card_fingerprint HAVING count(*) > 1",
    )
    assert cards == [(3,)]


def test_the_leaked_key_is_the_one_that_the_proxy_logged(
    events: duckdb.DuckDBPyConnection,
) -> None:
    used = found(
        events,
        """
        SELECT DISTINCT u.account_id, u.key_id FROM events x
        JOIN events k ON k.type = 'key.created' AND k.key_hash = x.key_hash
        JOIN events u ON u.type = 'usage.recorded' AND u.key_id = k.key_id
        WHERE x.type = 'key.exposed' AND u.occurred_at > x.exposed_at
        """,
    )
    assert used == [(company.VICTIM.account, company.VICTIM.token)]
