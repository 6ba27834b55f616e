"""A mapping file turns any table into events, and says what is wrong with itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import UsageError
from ingest.ledger import Ledger
from ingest.sources import named

MAPPING = """
name: shop
events:
  - type: account.created
    when: {state: [active, trial]}
    event_id: "signup-{id}"
    occurred_at: {from: "{created}", as: epoch}
    account_id: "{user.id}"
    email: {from: "{mail}", as: lower}
    plan: free
  - type: payment.charged
    when: {state: active}
    occurred_at: {from: "{paid at}", as: utc}
    account_id: "{user.id}"
    amount_usd: {from: "{cents}", as: cents}
    status: {from: "{result}", values: {ok: succeeded, no: declined}}
  - type: key.created
    when: {state: active}
    occurred_at: {from: "{millis}", as: epoch_ms}
    account_id: "{user.id}"
    key_id: "key-{id}-{user.id}"
    key_hash: {from: "{key}", as: sha256}
"""
HEADER = "id,state,created,user.id,mail,paid at,cents,result,millis,key\n"
FIRST = "1,active,1735732800,u1,Ann@Example.com,2025-01-01 10:00:00,1999,ok,"
FIRST += "1735732800250,s1\n"
ROWS = """2,trial,1735732801,u2,bob@example.com,,,,,
3,gone,1735732802,u3,c@example.com,,,,,
4,trial,soon,u4,d@example.com,,,,,
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(MAPPING)
    return path


def test_columns_become_fields(mapping: Path, tmp_path: Path, ledger: Ledger) -> None:
    table = tmp_path / "shop.csv"
    table.write_text(HEADER + FIRST + ROWS)
    counts = ledger.ingest([table], str(mapping))
    assert (counts.accepted, counts.quarantined) == (4, 1)
    with ledger.connect() as connection:
        rows = connection.sql(
            "SELECT type, event_id, account_id, plan, amount_usd::VARCHAR, status,"
            " key_id, epoch_ms(occurred_at) FROM events ORDER BY ALL"
        ).fetchall()
        reasons = connection.sql("SELECT reason FROM quarantine").fetchall()
    at = 1735732800000
    assert [(row[0], *row[2:]) for row in rows] == [
        ("account.created", "u1", "free", None, None, None, at),
        ("account.created", "u2", "free", None, None, None, at + 1000),
        ("key.created", "u1", None, None, None, "key-1-u1", at + 250),
        (
            "payment.charged",
            "u1",
            None,
            "19.990000000",
            "succeeded",
            None,
            at - 7200000,
        ),
    ]
    assert rows[0][1] == "signup-1"
    assert reasons == [("occurred_at: is not an RFC 3339 time",)]


def test_a_table_read_twice_changes_nothing(
    mapping: Path, tmp_path: Path, ledger: Ledger
) -> None:
    table = tmp_path / "shop.csv"
    table.write_text(HEADER + FIRST)
    first, again = (ledger.ingest([table], str(mapping)) for _ in range(2))
    assert (first.accepted, again.accepted, again.duplicate) == (3, 0, 3)


def test_nested_members_of_json_are_reached(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(
        "envelopes: [rows]\nevents:\n- type: account.closed\n"
        "  occurred_at: '{at}'\n  account_id: '{who.id}'\n"
    )
    table = tmp_path / "rows.json"
    table.write_text('{"rows": [{"at": "2025-01-01T00:00:00Z", "who": {"id": 7}}]}')
    assert ledger.ingest([table], str(path)).accepted == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("events: [", "is not YAML"),
        ("name: x", "lacks `events`"),
        ("events: []", "must have an event"),
        ("events: [{type: nope}]", "event type 'nope' is unknown"),
        ("events: [{type: account.closed, mail: x}]", "has no field 'mail'"),
        ("events: [{type: account.closed, occurred_at: x}]", "needs the field"),
        (
            "events: [{type: account.closed, occurred_at: {to: x}, account_id: y}]",
            "must have `from`",
        ),
        (
            "events: [{type: quota.set, tenant_id: y, occurred_at: {from: x, as: ox}}]",
            "as 'ox' is unknown",
        ),
        (
            """events: [{type: account.closed, account_id: '{a"b}', occurred_at: x}]""",
            "double quote",
        ),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says.replace("[", r"\[")):
        named(str(path))


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        named(str(tmp_path / "none.yaml"))
