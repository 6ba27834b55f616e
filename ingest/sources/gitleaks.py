"""Gitleaks reports (JSON): each finding is a key in a repository's history."""

from __future__ import annotations

from ingest.sources.adapter import Adapter, Shape, has, texts, utc
from ingest.sources.leaks import exposure
from ingest.sources.source import Source

SHAPE: Shape = texts("RuleID Secret File StartLine Commit Date Link Fingerprint")

FINDING = exposure(
    "gitleaks",
    """coalesce(r.Fingerprint, r.Commit || ':' || r.File || ':' || r.StartLine)""",
    raw="r.Secret",
    found_at=utc("r.Date"),
    location="""coalesce(nullif(r.Link, ''),
        concat_ws(':', nullif(r.Commit, ''), r.File, r.StartLine))""",
    detector="'gitleaks:' || r.RuleID",
)

SOURCE = Source(
    "gitleaks",
    "gitleaks reports in JSON, made without --redact",
    has("RuleID", "Secret", "Match", "File"),
    Adapter(
        SHAPE,
        "CASE WHEN r.RuleID IS NOT NULL THEN 'gitleaks' END",
        (FINDING,),
        unknown="record: is no finding of gitleaks",
        problems={
            # --redact leaves the word, or the beginning of the secret and dots.
            r"nullif(r.Secret, '') IS NULL OR r.Secret = 'REDACTED' "
            r"OR r.Secret LIKE '%...'": (
                "Secret: is redacted: make the report without --redact"
            ),
        },
    ),
    secret=True,
)
