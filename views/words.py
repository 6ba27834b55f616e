"""How numbers, times and the names of things read on the page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime

from graph.acts import REASONS

TYPOLOGIES: Mapping[str, str] = {
    "disposable_signup": "Disposable sign-ups",
    "stolen_payment": "Stolen cards",
    "key_replay": "Replayed key",
    "tenant_drain": "Drained tenant",
    "cloud_key_exposure": "Exposed key",
    "": "Linked, nothing against it",
}

KINDS: Mapping[str, str] = {
    "account": "Account",
    "key": "API key",
    "ip": "IP address",
    "device": "Device",
    "card": "Card",
    "email": "E-mail",
    "phone": "Phone",
    "tenant": "Tenant",
    "prompt": "Prompt",
    "referral": "Referral",
    "user_agent": "Client",
    "ja4": "TLS shape",
    "bin": "Card BIN",
    "cluster": "Cluster",
    "end_user": "End user",
    "group": "Alike",
    "identifier": "Other",
}

# The same kinds inside a sentence; what begins with an abbreviation keeps it.
NOUNS: Mapping[str, str] = {
    kind: name if name[1].isupper() else name[:1].lower() + name[1:]
    for kind, name in KINDS.items()
}

ACTIONS: Mapping[str, str] = {
    "ban": "ban",
    "revoke": "revoke",
    "throttle": "throttle",
    "review": "review",
    "none": "no action",
}

STATUSES = ("new", "in review", "waiting", "decided", "dismissed")


def reason_name(code: str) -> str:
    """What a reason code says."""
    return REASONS.get(code, code)


def usd(amount: float) -> str:
    """Dollars, with cents only where they matter."""
    if math.isnan(amount):
        return "unknown"
    return f"${amount:,.2f}" if abs(amount) < 100 else f"${amount:,.0f}"


def count(number: float, one: str, many: str = "") -> str:
    """`3 accounts`, `1 account`."""
    whole = round(number)
    return f"{whole:,} {one if whole == 1 else many or one + 's'}"


def likely(probability: float) -> str:
    """A probability in words that claim no more than it does."""
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{probability:.0%}"


def ago(moment: datetime, now: datetime) -> str:
    """How long before `now`, in the largest unit that fits."""
    seconds = (now - moment).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.0f} {unit}"
    return "now"


def day(moment: datetime) -> str:
    """Date and minute, UTC."""
    return f"{moment:%Y-%m-%d %H:%M}"


def short(name: str, most: int = 14) -> str:
    """A long id, cut in the middle."""
    return name if len(name) <= most else f"{name[: most - 5]}…{name[-4:]}"


_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def plain(text: object) -> str:
    """`text` for a place that reads Markdown, so that it is only ever shown.

    Every ASCII mark is escaped (CommonMark 2.4); line breaks and characters that
    turn the direction of writing become spaces.
    """
    return _MARKS.sub(r"\\\1", _BREAKS.sub(" ", str(text)))
