"""One account under several names: a processor's customer, a login's subject.

An account that was seen with the identifier `customer` or `oauth_subject` is known
under that name to another system. Where the other system's events name their account
so, they are the first account's. A name that two accounts claim is nobody's, since a
wrong join would put one account's deeds on another.
"""

from __future__ import annotations

import duckdb

KINDS = ("customer", "oauth_subject")
"""Kinds of `identifier.seen` whose value is an account's name in another system."""

NAMING = ("account_id", "invited_by")
"""The fields that name an account, by its one name in `events`."""

# A customer may belong to a login's subject, and that one to an account: two steps.
_ALIASES = """
    CREATE OR REPLACE TEMP TABLE account_aliases AS
    WITH claims AS (
        SELECT DISTINCT e.account_id, v.value AS alias
        FROM events e JOIN vault v ON v.kind = e.kind AND v.identifier = e.value
        WHERE e.type = 'identifier.seen' AND e.kind IN ('customer', 'oauth_subject')
          AND v.value <> e.account_id
    ), agreed AS (
        SELECT alias, any_value(account_id) AS account_id
        FROM claims GROUP BY alias HAVING count(*) = 1
    )
    SELECT one.alias, coalesce(two.account_id, one.account_id) AS account_id
    FROM agreed one LEFT JOIN agreed two ON two.alias = one.account_id
    WHERE coalesce(two.account_id, one.account_id) <> one.alias
"""

_RESOLVED = """
    ALTER VIEW events RENAME TO events_as_named;
    CREATE VIEW events AS
    SELECT e.* REPLACE (
        coalesce(owner.account_id, e.account_id) AS account_id,
        coalesce(inviter.account_id, e.invited_by) AS invited_by)
    FROM events_as_named e
    LEFT JOIN account_aliases owner ON e.account_id = owner.alias
    LEFT JOIN account_aliases inviter ON e.invited_by = inviter.alias
"""

_AS_NAMED = "CREATE OR REPLACE VIEW events_as_named AS FROM events"


def resolve(connection: duckdb.DuckDBPyConnection) -> int:
    """Give every account one name in the view `events`; gives how many aliases.

    Needs the views `events` and `vault`. Leaves the table `account_aliases` (`alias`,
    `account_id`); the events as they were named stay in `events_as_named`. Without
    aliases both views are the same.
    """
    connection.execute(_ALIASES)
    rows = connection.execute("SELECT count(*) FROM account_aliases").fetchall()
    found = int(rows[0][0])
    connection.execute(_RESOLVED if found else _AS_NAMED)
    return found
