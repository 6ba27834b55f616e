"""A small company as its own systems log it: Auth0, LiteLLM, Stripe and GitHub.

Forty honest people, a farm of twenty trial accounts, three accounts that pay with one
stolen card, and one honest developer whose key lay in a public repository and is used
from elsewhere. Everything is made from the numbers of people and days alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Record = dict[str, Any]
START = datetime(2025, 3, 1, 8, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0 Safari/537.36"
FARM_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/119.0.0.0 Safari/537.36"
RAW_KEY = "sk-" + "leaked0" * 4
LEAKED_AT = START + timedelta(days=9, hours=3)
SURNAMES = (
    "ash",
    "birch",
    "cedar",
    "elm",
    "fir",
    "hazel",
    "oak",
    "pine",
    "rowan",
    "yew",
)
GIVEN = ("ada", "ben", "cleo", "dan")


@dataclass(frozen=True)
class Person:
    """One account, with what the company's systems see of it."""

    number: int
    group: str
    joined: datetime

    @property
    def account(self) -> str:
        """The login's subject, which LiteLLM takes for the user's id."""
        return f"auth0|{self.group}{self.number:03d}"

    @property
    def email(self) -> str:
        """Honest people have names of their own; a farm counts."""
        if self.group == "farm":
            return f"trial.user{1000 + self.number}@mailinator.com"
        surname = SURNAMES[self.number % 10]
        return f"{GIVEN[self.number // 10 % 4]}.{surname}.{self.group}@gmail.com"

    @property
    def ip(self) -> str:
        """A farm sits behind two addresses."""
        if self.group == "farm":
            return f"45.95.147.{7 + self.number % 2}"
        return f"81.{20 + self.number}.{len(self.group)}.{10 + self.number}"

    @property
    def raw_key(self) -> str:
        """The API key as the person holds it."""
        if (self.group, self.number) == ("honest", 7):
            return RAW_KEY
        return f"sk-{self.group}-{self.number:020d}"

    @property
    def token(self) -> str:
        """The API key as LiteLLM names it."""
        return hashlib.sha256(self.raw_key.encode()).hexdigest()

    @property
    def customer(self) -> str:
        """The Stripe customer."""
        return f"cus_{self.group}{self.number:03d}"


HONEST = [Person(n, "honest", START + timedelta(hours=5 * n)) for n in range(40)]
FARM = [Person(n, "farm", START + timedelta(days=4, minutes=3 * n)) for n in range(20)]
THIEVES = [Person(n, "thief", START + timedelta(days=6, hours=2 * n)) for n in range(3)]
EVERYONE = [*HONEST, *FARM, *THIEVES]
VICTIM = HONEST[7]


def write(folder: Path) -> list[Path]:
    """Write one file a system; gives their paths."""
    files = {
        "auth0.jsonl": auth0(),
        "litellm.jsonl": litellm(),
        "stripe.jsonl": stripe(),
        "github.jsonl": github(),
    }
    for name, records in files.items():
        lines = (json.dumps(record) + "\n" for record in records)
        (folder / name).write_text("".join(lines))
    return [folder / name for name in files]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def auth0() -> Iterator[Record]:
    """A sign-up for everyone, and a login a day for the honest."""
    for who in EVERYONE:
        yield _entry(who, "ss", who.joined, {"details": {"body": {"email": who.email}}})
    for who in HONEST:
        for day in range(1, 12):
            yield _entry(who, "s", who.joined + timedelta(days=day), {})


def _entry(who: Person, kind: str, at: datetime, more: Record) -> Record:
    key = hashlib.md5(f"{who.account}{kind}{at}".encode()).hexdigest()  # noqa: S324
    agent = FARM_BROWSER if who.group == "farm" else BROWSER
    return {
        "log_id": f"900{key}",
        "date": _iso(at),
        "type": kind,
        "client_id": "app",
        "connection": "Username-Password-Authentication",
        "ip": who.ip,
        "user_agent": agent,
        "user_id": who.account,
        "user_name": who.email,
        **more,
    }


def litellm() -> Iterator[Record]:
    """Users, keys and spend: the farm and the thieves burn what they got in hours."""
    for who in EVERYONE:
        yield {
            "user_id": who.account,
            "user_email": who.email,
            "user_role": "internal_user",
            "spend": 0,
            "created_at": _iso(who.joined),
        }
        yield {
            "token": who.token,
            "key_name": "sk-...",
            "spend": 0,
            "user_id": who.account,
            "created_at": _iso(who.joined + timedelta(minutes=2)),
        }
    for who in HONEST:
        for day in range(12):
            for call in range(4):
                at = who.joined + timedelta(days=day, minutes=10 + 40 * call)
                yield _spend(who, at, 0.02, "OpenAI/Python 1.61.0", who.ip)
    for who in FARM:
        for call in range(20):
            at = who.joined + timedelta(minutes=5 + 2 * call)
            yield _spend(who, at, 0.25, "python-requests/2.32.3", who.ip)
    for who in THIEVES:
        for call in range(40):
            at = who.joined + timedelta(minutes=30 + 3 * call)
            yield _spend(who, at, 2.5, "OpenAI/Python 1.61.0", who.ip)
    for call in range(120):
        at = LEAKED_AT + timedelta(minutes=6 + 2 * call)
        ip = f"185.220.{101 + call % 5}.{20 + call % 7}"
        yield _spend(VICTIM, at, 1.5, "curl/8.5.0", ip, "claude-opus-4-20250514")


def _spend(
    who: Person,
    at: datetime,
    cost: float,
    agent: str,
    ip: str,
    model: str = "gpt-4o-mini",
) -> Record:
    return {
        "request_id": f"req-{who.group}{who.number}-{at.timestamp():.0f}-{ip}",
        "call_type": "acompletion",
        "api_key": who.token,
        "spend": cost,
        "prompt_tokens": 900,
        "completion_tokens": 400,
        "startTime": _iso(at),
        "model": model,
        "user": who.account,
        "metadata": {"user_agent": agent},
        "requester_ip_address": ip,
        "status": "success",
    }


def stripe() -> Iterator[Record]:
    """Trial credit for the farm, an own card for the honest, one stolen for three."""
    for who in EVERYONE:
        yield _event(
            "customer.created",
            who.joined + timedelta(minutes=1),
            {
                "object": "customer",
                "id": who.customer,
                "email": who.email,
                "metadata": {"account_id": who.account},
            },
        )
    for who in FARM:
        yield _event(
            "billing.credit_grant.created",
            who.joined + timedelta(minutes=2),
            {
                "object": "billing.credit_grant",
                "id": f"credgr_{who.number}",
                "customer": who.customer,
                "category": "promotional",
                "metadata": {"reason": "trial"},
                "amount": {
                    "type": "monetary",
                    "monetary": {"currency": "usd", "value": 500},
                },
            },
        )
    for who in (*HONEST, *THIEVES):
        yield from _payments(who)


def _payments(who: Person) -> Iterator[Record]:
    stolen = who.group == "thief"
    at = who.joined + timedelta(minutes=5)
    charge = f"ch_{who.group}{who.number}"
    card = {
        "fingerprint": "StolenCard000001" if stolen else f"Own{who.number:013d}",
        "last4": "0341" if stolen else f"{who.number:04d}",
        "funding": "credit",
        "country": "BR" if stolen else "DE",
        "checks": {"cvc_check": "pass", "address_postal_code_check": "fail"}
        if stolen
        else {"cvc_check": "pass", "address_postal_code_check": "pass"},
    }
    yield _event(
        "charge.succeeded",
        at,
        {
            "object": "charge",
            "id": charge,
            "customer": who.customer,
            "amount": 10000 if stolen else 2000,
            "currency": "usd",
            "status": "succeeded",
            "payment_method": f"pm_{who.group}{who.number}",
            "payment_method_details": {"type": "card", "card": card},
            "metadata": {},
        },
    )
    if stolen:
        yield _event(
            "radar.early_fraud_warning.created",
            at + timedelta(days=2),
            {
                "object": "radar.early_fraud_warning",
                "id": f"issfr_{who.number}",
                "charge": charge,
                "fraud_type": "made_with_stolen_card",
            },
        )
        yield _event(
            "charge.dispute.created",
            at + timedelta(days=4),
            {
                "object": "dispute",
                "id": f"dp_{who.number}",
                "charge": charge,
                "amount": 10000,
                "currency": "usd",
                "reason": "fraudulent",
                "status": "needs_response",
            },
        )


def _event(kind: str, at: datetime, told: Record) -> Record:
    created = int(at.timestamp())
    return {
        "object": "event",
        "id": f"evt_{told['id']}_{kind}",
        "type": kind,
        "created": created,
        "livemode": True,
        "pending_webhooks": 0,
        "data": {"object": {"created": created, "livemode": True, **told}},
    }


def github() -> Iterator[Record]:
    """The alert for the key that lay in the open, as the REST API lists it."""
    yield {
        "number": 1,
        "created_at": _iso(LEAKED_AT),
        "html_url": "https://github.com/example/app/security/secret-scanning/1",
        "state": "open",
        "secret_type": "example_api_key",
        "secret": RAW_KEY,
        "resolution": None,
        "resolved_at": None,
    }
