"""TruffleHog reports (JSON lines): each result is a key found in a repository or file.

`verified` says that the finder held the raw key, which he must have to report it;
whether the key still worked is TruffleHog's own `Verified`, kept in the detector.
"""

from __future__ import annotations

from ingest.sources.adapter import Adapter, Record, Shape, texts, utc
from ingest.sources.leaks import exposure
from ingest.sources.source import Source

SHAPE: Shape = {
    **texts("DetectorName Verified Raw SourceName"),
    "SourceMetadata": texts("Data"),
}


def _place(name: str) -> str:
    """Read what every kind of place (Git, Github, Filesystem, …) calls the same."""
    found = f"json_extract_string(r.SourceMetadata.Data, '$.*.{name}')"
    valid = "json_valid(r.SourceMetadata.Data)"
    return f"(CASE WHEN {valid} THEN {found} END)[1]"


# "2022-06-16 12:17:40 -0500" has its offset apart and without a colon.
_FOUND_AT = rf"regexp_replace({_place('timestamp')}, ' ?([+-]\d\d):?(\d\d)$', '\1:\2')"
_LOCATION = f"""coalesce({_place("link")}, concat_ws(':', {_place("repository")},
    {_place("commit")}, {_place("file")}, {_place("line")}))"""

RESULT = exposure(
    "trufflehog",
    f"coalesce({_LOCATION}, '')",
    raw="r.Raw",
    found_at=utc(_FOUND_AT),
    location=_LOCATION,
    detector="""'trufflehog:' || r.DetectorName
        || CASE WHEN r.Verified = 'true' THEN ':live' ELSE '' END""",
)


def _recognises(record: Record) -> bool:
    return {"DetectorName", "Raw", "SourceMetadata"} <= record.keys()


SOURCE = Source(
    "trufflehog",
    "TruffleHog results in JSON lines",
    _recognises,
    Adapter(
        SHAPE,
        "CASE WHEN r.DetectorName IS NOT NULL THEN 'trufflehog' END",
        (RESULT,),
        unknown="record: is no result of TruffleHog",
    ),
    secret=True,
)
