"""What all reports of leaked secrets share: a raw secret that must not stay."""

from __future__ import annotations

from ingest.sources.adapter import Event, hashed_key

_AWS_KEY_ID = "(AKIA|ASIA)[A-Z0-9]{16}"


def exposure(
    of: str, place: str, *, raw: str, found_at: str, location: str, detector: str
) -> Event:
    """Make the event of a key that was found in the open; all arguments are SQL.

    The event's id comes from the hash of the secret and the place. Whoever reports a
    raw secret has held it, so the report counts as verified. An AWS access key id is
    no secret but the key's name.
    """
    named = f"regexp_full_match({raw}, '{_AWS_KEY_ID}')"
    hashed = hashed_key(f"nullif({raw}, '')")
    return Event(
        of,
        "key.exposed",
        f"'leak:{of}:' || md5(coalesce({hashed}, '') || ':' || {place})",
        found_at,
        {
            "key_id": f"CASE WHEN {named} THEN {raw} END",
            "key_hash": f"CASE WHEN NOT {named} THEN {hashed} END",
            "exposed_at": found_at,
            "location": location,
            "detector": detector,
            "verified": "true",
        },
    )
