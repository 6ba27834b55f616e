"""Malformed records of every source go to quarantine with their reason."""

from __future__ import annotations

from pathlib import Path

from ingest.ledger import Ledger

DATA = Path(__file__).parent / "data"
NOT_JSON = "line: is not JSON"
NO_TIME = "occurred_at: is missing"
NO_RFC = "occurred_at: is not an RFC 3339 time"
NO_OWNER = "key_id or account_id: is missing"
NO_ACCOUNT = "account_id: is missing"
NO_KIND = "record: is of no kind that this source knows"
REASONS = {
    "access": {NO_RFC, "record: has neither status nor response_code", NOT_JSON},
    "anthropic": {"input_tokens: is not a number", NO_OWNER, NO_KIND, NOT_JSON},
    "auth0": {NO_RFC, NO_ACCOUNT, "record: lacks log_id or type", NOT_JSON},
    "bedrock": {
        "record: is no ModelInvocationLog with a requestId",
        NO_OWNER,
        NOT_JSON,
    },
    "cloudtrail": {
        NO_RFC,
        "record: lacks eventID, eventName or eventSource",
        NO_OWNER,
        NOT_JSON,
    },
    "github": {
        "secret: is missing: give the alert as the REST API lists it",
        NO_TIME,
        NO_KIND,
        NOT_JSON,
    },
    "gitleaks": {
        "Secret: is redacted: make the report without --redact",
        NO_TIME,
        "record: is no finding of gitleaks",
    },
    "litellm": {"cost_usd: is negative", NO_TIME, NO_KIND, NOT_JSON},
    "okta": {NO_TIME, NO_ACCOUNT, "record: lacks eventType", NOT_JSON},
    "openai": {NO_OWNER, NO_RFC, NO_ACCOUNT, NO_KIND, NOT_JSON},
    "otel": {NO_OWNER, "record: has no resourceSpans", NOT_JSON},
    "stripe": {
        "currency: is not US dollars, and no settled amount in dollars is there",
        NO_ACCOUNT,
        "record: is neither a Stripe event nor an object of Stripe's API",
        NOT_JSON,
    },
    "trufflehog": {
        "key_id or key_hash: is missing",
        NO_TIME,
        "record: is no result of TruffleHog",
        NOT_JSON,
    },
}


def test_bad_records_are_quarantined_with_their_reason(ledger: Ledger) -> None:
    for name in REASONS:
        (path,) = DATA.glob(f"{name}_bad.*")
        counts = ledger.ingest([path], name)
        assert (counts.accepted, counts.quarantined) == (0, counts.read)
    with ledger.connect() as connection:
        rows = connection.sql("SELECT file, reason FROM quarantine").fetchall()
    found: dict[str, set[str]] = {}
    for file, reason in rows:
        found.setdefault(Path(file).stem.removesuffix("_bad"), set()).add(reason)
    assert found == REASONS


def test_no_raw_secret_of_a_leak_report_is_kept(ledger: Ledger) -> None:
    for name in ("github", "gitleaks", "trufflehog", "access"):
        for path in DATA.glob(f"{name}*.json*"):
            ledger.ingest([path], name)
    with ledger.connect() as connection:
        kept = [
            str(connection.sql(f"FROM {view}").fetchall())
            for view in ("events", "identifiers", "quarantine")
        ]
    raws = ("sk-1234", "sk-5678", "sk-verysecretvalue")
    assert [raw for raw in raws for text in kept if raw in text] == []
    assert all("withheld" in text for text in kept[2:])
