"""Identifiers: what is the same is found to be, and what is not stays apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import ReferenceDataError
from ingest.identifiers import SEPARATOR
from ingest.identifiers.kinds import further, normalisers
from ingest.ledger import Counts, Ledger
from ingest.reference import Reference, prices, update
from ingest.workspace import Workspace
from tests.ingest.examples import event

Take = Callable[..., Counts]

NORMALISERS = normalisers(Reference(Path("nowhere")))


def _form(kind: str, raw: str) -> dict[str, Any]:
    table = NORMALISERS.get(kind, further)(pa.array([raw], pa.string()))
    return dict(table.to_pylist()[0])


SAME = [
    ("email", "John.Smith+shop@GoogleMail.com", "johnsmith@gmail.com"),
    ("email", " jo@Example.ORG ", "jo@example.org"),
    ("email", "\uff41\uff42\uff43@gmail.com", "abc@gmail.com"),
    ("email", "jo@MÜLLER.de", "jo@xn--mller-kva.de"),
    ("email", "x+y@outlook.com", "x@outlook.com"),
    ("email", "zed-9@yahoo.com", "zed@yahoo.com"),
    ("email", "me@pm.me", "me@proton.me"),
    ("ip", "::ffff:8.8.8.8", "8.8.8.8"),
    ("ip", "64:ff9b::808:808", "8.8.8.8"),
    ("ip", "2002:0808:0808::1", "8.8.8.8"),
    ("ip", "2001:0:4136:e378:8000:63bf:f7f7:f7f7", "8.8.8.8"),
    ("ip", "2a00:1450:4001:81b::200e", "2A00:1450:4001:081B:ffff::1"),
    ("ip", " 8.8.8.8:443", "8.8.8.8"),
    ("ip", "[2a00::1]:443", "2a00::2%eth0"),
    ("phone", "0049 (151) 1234-5678", "+4915112345678"),
    ("device", f"FP{SEPARATOR} abc ", f"fp{SEPARATOR}abc"),
    ("card", " fp_1 ", "fp_1"),
    ("key_hash", "AB" * 32, "ab" * 32),
    ("user_agent", "curl/8.1\r\n", "curl/8.1"),
    ("wallet", " 0xabc ", "0xabc"),
]


@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_spellings_of_one_identifier_meet(kind: str, one: str, other: str) -> None:
    assert _form(kind, one)["text"] == _form(kind, other)["text"] is not None


APART = [
    ("email", "a.b@example.org", "ab@example.org"),
    ("email", "jo+x@acme.io", "jo@acme.io"),
    ("email", "\u0440\u0430\u0443\u0440\u0430l@gmail.com", "paypal@gmail.com"),
    ("ip", "8.8.8.8", "8.8.8.9"),
    ("ip", "2a00:0:0:1::1", "2a00:0:0:2::1"),
    ("device", f"fp{SEPARATOR}abc", f"ios{SEPARATOR}abc"),
    ("card", "fp_1", "FP_1"),
]


@pytest.mark.parametrize(("kind", "one", "other"), APART)
def test_different_identifiers_stay_apart(kind: str, one: str, other: str) -> None:
    assert _form(kind, one)["text"] != _form(kind, other)["text"]


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("ip", "01.2.3.4"),
        ("ip", "256.1.1.1"),
        ("ip", "unknown"),
        ("ip", ""),
        ("ip", "1.2.3.4, 5.6.7.8"),
        ("device", f"ios{SEPARATOR}00000000-0000-0000-0000-000000000000"),
        ("device", f"web{SEPARATOR}undefined"),
        ("user_agent", "\x00"),
        ("wallet", "  "),
    ],
)
def test_what_identifies_nothing_has_no_identifier(kind: str, raw: str) -> None:
    assert _form(kind, raw)["text"] is None


CLASSES = [
    ("email", "a@mailinator.com", "disposable"),
    ("email", "a@yopmail.com", "disposable"),
    ("email", "a@gmail.com", "free"),
    ("email", "a@qq.com", "free"),
    ("email", "a@duck.com", "relay"),
    ("email", "a@privaterelay.appleid.com", "relay"),
    ("email", "a@cs.ox.ac.uk", "university"),
    ("email", "a@mit.edu", "university"),
    ("email", "a@acme-widgets.io", "own"),
    ("email", "no address", "unreadable"),
    ("ip", "10.1.2.3", "private"),
    ("ip", "fd00::1", "private"),
    ("ip", "100.64.0.1", "cgnat"),
    ("ip", "127.0.0.1", "loopback"),
    ("ip", "169.254.1.1", "link-local"),
    ("ip", "fe80::1", "link-local"),
    ("ip", "224.0.0.1", "reserved"),
    ("ip", "8.8.8.8", "datacentre"),
    ("ip", "104.28.28.5", "relay"),
    ("ip", "203.0.113.9", "residential"),
    ("phone", "+4915112345678", "mobile"),
    ("phone", "+33912345678", "voip"),
    ("phone", "+493012345678", "fixed"),
    ("phone", "4155552671", "unreadable"),
    ("user_agent", "python-requests/2.31", "tool"),
    ("user_agent", "OpenAI/Python 1.3.5", "sdk"),
    ("user_agent", "Googlebot/2.1 (+http://www.google.com/bot.html)", "bot"),
    (
        "user_agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0",
        "browser",
    ),
]


@pytest.mark.parametrize(("kind", "raw", "expected"), CLASSES)
def test_classes(kind: str, raw: str, expected: str) -> None:
    assert _form(kind, raw)["class"] == expected


def test_kin_of_an_address() -> None:
    found = _form("email", "anna.smith07@gmail.com")
    assert found["text"] == "annasmith07@gmail.com"
    assert found["template"] == "a{9}9{2}"
    assert (found["stem"], found["number"]) == ("annasmith@gmail.com", 7)
    assert found["domain"] == "gmail.com"
    assert found["masked"] == "a•••@g•••"
    assert _form("ip", "198.51.100.7")["prefix"] == "198.51.100.0/24"
    assert _form("ip", "198.51.100.7")["masked"] == "198.51.•••"
    assert _form("ip", "8.8.8.8")["asn"] == 15169
    six = _form("ip", "2a00:1450:4001:81b::200e")
    assert six["text"] == "2a00:1450:4001:81b::/64"
    assert six["prefix"] == "2a00:1450:4001::/48"


# With Cyrillic letters, with a digit, with both, with a letter of full width.
LOOKALIKES = ["p\u0430yp\u0430l", "\u0440aypal", "paypa1", "p\u0430ypa1", "\uff50aypal"]


@pytest.mark.parametrize("local", LOOKALIKES)
def test_lookalikes_share_a_skeleton(local: str) -> None:
    honest = _form("email", "paypal@gmail.com")["skeleton"]
    assert _form("email", f"{local}@gmail.com")["skeleton"] == honest


@pytest.mark.parametrize(
    ("one", "other"), [("田中", "田口"), ("мария", "марина"), ("müller", "möller")]
)
def test_honest_names_beyond_latin_do_not(one: str, other: str) -> None:
    skeletons = {_form("email", f"{x}@gmail.com")["skeleton"] for x in (one, other)}
    assert len(skeletons) == 2


_locals = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
_domains = st.sampled_from(
    ["gmail.com", "googlemail.com", "yahoo.com", "pm.me", "exämple.de", "x.org", "bad"]
)
_addresses = st.builds("{}@{}".format, _locals, _domains) | _locals


@settings(max_examples=300, deadline=None)
@given(raw=_addresses)
def test_normalising_mail_twice_changes_nothing(raw: str) -> None:
    once = _form("email", raw)["text"]
    if once is not None:
        assert _form("email", once)["text"] == once


@settings(max_examples=200, deadline=None)
@given(raw=st.ip_addresses().map(str) | st.text(max_size=20))
def test_normalising_addresses_twice_changes_nothing(raw: str) -> None:
    once = _form("ip", raw)["text"]
    if once is not None:
        assert _form("ip", once)["text"] == once


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(["phone", "device", "card", "user_agent", "wallet"]),
    raw=st.text(max_size=40),
)
def test_normalising_others_twice_changes_nothing(kind: str, raw: str) -> None:
    once = _form(kind, raw)["text"]
    if once is not None:
        assert _form(kind, once)["text"] == once


@settings(max_examples=200, deadline=None)
@given(raws=st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_no_text_breaks_a_normaliser(raws: list[str]) -> None:
    for kind in (*NORMALISERS, "wallet"):
        table = NORMALISERS.get(kind, further)(pa.array(raws, pa.string()))
        assert table.num_rows == len(raws)


def _identifiers(ledger: Ledger, what: str) -> list[tuple[Any, ...]]:
    with ledger.connect() as connection:
        return connection.execute(f"SELECT {what} ORDER BY ALL").fetchall()


def test_only_hashes_are_stored_and_the_vault_reveals(
    take: Take, ledger: Ledger
) -> None:
    take([event("account.created", 1, email="Jo.Doe@gmail.com")])
    [(email,)] = _identifiers(ledger, "email FROM events")
    assert len(email) == 32
    assert ledger.reveal("email", email) == "jodoe@gmail.com"
    assert ledger.reveal("phone", email) is None
    [row] = _identifiers(
        ledger, "class, domain, masked FROM identifiers WHERE kind = 'email'"
    )
    assert row == ("free", "gmail.com", "j•••@g•••")
    stored = b"".join(p.read_bytes() for p in ledger.workspace.root.rglob("events/*"))
    assert b"jodoe" not in stored


def test_further_kinds_follow_the_rules_of_their_field(
    take: Take, ledger: Ledger
) -> None:
    seen = "identifier.seen"
    take(
        [
            event("account.created", 1, email="jo@gmail.com", ip="8.8.8.8"),
            event(seen, 2, kind=" Email ", value="J.O@googlemail.com"),
            event(seen, 3, kind="ip", value="::ffff:8.8.8.8"),
            event(seen, 4, kind="cookie", value="8.8.8.8"),
            event(seen, 5, kind="device_id", value="abcdef"),
            event("key.created", 6, device_id="abcdef"),
        ]
    )
    rows = _identifiers(
        ledger, "event_id, email, ip, kind, value, device_id FROM events"
    )
    email, ip = rows[0][1:3]
    assert rows[1][3:5] == ("email", email)
    assert rows[2][3:5] == ("ip", ip)
    assert rows[3][3] == "cookie"
    assert rows[3][4] not in {ip, None}
    assert rows[4][3:5] == ("device", rows[5][5])
    kinds = _identifiers(ledger, "DISTINCT kind FROM identifiers WHERE kind = 'cookie'")
    assert kinds == [("cookie",)]


def test_an_unreadable_identifier_loses_no_event(take: Take, ledger: Ledger) -> None:
    sent = event("account.created", 1, email="none", ip="none", phone="none")
    assert take([sent]) == Counts(1, 1, 0, 0)
    [(email, ip, phone)] = _identifiers(ledger, "email, ip, phone FROM events")
    assert email is not None
    assert ip is None
    assert phone is not None


def test_prices_are_dollars_a_token() -> None:
    table = prices()
    assert table.column_names == [
        "model",
        "input_usd_per_token",
        "output_usd_per_token",
    ]
    assert table.num_rows > 3000
    assert 0 <= max(table.column(1).to_pylist()) < 0.1


def test_a_new_list_classes_what_is_already_known(
    take: Take, ledger: Ledger, tmp_path: Path
) -> None:
    take([event("account.created", 1, ip="203.0.113.9", email="a@brand-new.example")])
    others = "* FROM identifiers WHERE kind NOT IN ('ip', 'email')"
    before = _identifiers(ledger, others)
    blocks = {"prefixes": [{"ip_prefix": "203.0.113.0/24"}, {"x": "2001:db8::/32"}]}
    (tmp_path / "cloud.json").write_text(json.dumps(blocks))
    (tmp_path / "throwaway.txt").write_text("# new ones\nbrand-new.example\n")
    assert update(ledger.workspace, tmp_path / "cloud.json") == 2
    assert update(ledger.workspace, tmp_path / "throwaway.txt") == 1
    mark = ledger.fingerprint
    ledger.reclassify()
    assert ledger.fingerprint != mark
    classes = _identifiers(
        ledger, "kind, class FROM identifiers WHERE kind IN ('ip', 'email')"
    )
    assert classes == [("email", "disposable"), ("ip", "datacentre")]
    assert _identifiers(ledger, others) == before


def test_a_list_of_nothing_is_refused(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "w")
    (tmp_path / "empty.txt").write_text("nothing of use\n")
    with pytest.raises(ReferenceDataError, match="neither"):
        update(workspace, tmp_path / "empty.txt")
    with pytest.raises(ReferenceDataError, match="can't be read"):
        update(workspace, tmp_path / "missing.txt")
