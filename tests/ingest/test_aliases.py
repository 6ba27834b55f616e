"""One account under several names is one account, unless two claim the name."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from ingest.aliases import resolve

Claim = tuple[str, str, str]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(
            "CREATE TABLE stored (type VARCHAR, account_id VARCHAR, kind VARCHAR,"
            " value VARCHAR, invited_by VARCHAR)"
        )
        opened.execute("CREATE VIEW events AS FROM stored")
        opened.execute(
            "CREATE TABLE vault AS SELECT DISTINCT kind, 'hash of ' || value AS"
            " identifier, value FROM (VALUES ('customer', 'cus_1'),"
            " ('customer', 'cus_2'), ('oauth_subject', 'auth0|1'),"
            " ('cookie', 'acct-9')) AS t(kind, value)"
        )
        yield opened


def seen(connection: duckdb.DuckDBPyConnection, *claims: Claim) -> list[str]:
    """Store claims and one charge of each name; give the accounts charged."""
    for account, kind, value in claims:
        connection.execute(
            "INSERT INTO stored VALUES"
            " ('identifier.seen', ?, ?, 'hash of ' || ?, NULL)",
            [account, kind, value],
        )
    connection.execute(
        "INSERT INTO stored SELECT 'payment.charged', name, NULL, NULL, 'cus_1' FROM"
        " (VALUES ('cus_1'), ('cus_2'), ('auth0|1'), ('acct-9')) AS t(name)"
    )
    resolve(connection)
    rows = connection.execute(
        "SELECT account_id FROM events WHERE type = 'payment.charged' ORDER BY ALL"
    ).fetchall()
    return [account for (account,) in rows]


def test_a_customer_is_the_account_that_has_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = seen(connection, ("user_1", "customer", "cus_1"))
    assert found == ["acct-9", "auth0|1", "cus_2", "user_1"]
    inviters = connection.execute("SELECT DISTINCT invited_by FROM events").fetchall()
    assert sorted(str(one) for (one,) in inviters) == ["None", "user_1"]


def test_a_customer_of_a_login_is_the_login_s_account(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    claims = (
        ("auth0|1", "customer", "cus_1"),
        ("user_1", "oauth_subject", "auth0|1"),
    )
    assert seen(connection, *claims) == ["acct-9", "cus_2", "user_1", "user_1"]


def test_a_name_that_two_claim_is_nobody_s(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    claims = (("user_1", "customer", "cus_1"), ("user_2", "customer", "cus_1"))
    assert "cus_1" in seen(connection, *claims)


def test_other_kinds_and_an_account_s_own_name_join_nothing(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    claims = (("user_1", "cookie", "acct-9"), ("cus_1", "customer", "cus_1"))
    found = seen(connection, *claims)
    assert found == ["acct-9", "auth0|1", "cus_1", "cus_2"]


def test_names_that_claim_each_other_do_not_turn_in_circles(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    claims = (
        ("cus_1", "oauth_subject", "auth0|1"),
        ("auth0|1", "customer", "cus_1"),
    )
    assert seen(connection, *claims) == ["acct-9", "auth0|1", "cus_1", "cus_2"]
