"""E-mail addresses: one canonical form for the mailbox, its class and its kin."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache, lru_cache

import idna
import pyarrow as pa
from confusable_homoglyphs import confusables
from email_validator import EmailNotValidError, validate_email
from publicsuffixlist import PublicSuffixList

from ingest.identifiers.providers import (
    ALSO_FREE,
    DOTLESS,
    HYPHEN,
    PLUS,
    RELAYS,
    SAME_MAILBOX,
)
from ingest.reference import Reference

# Suffixes that are given to schools alone.
_ACADEMIC = re.compile(r"(^|\.)(edu|ac|edu\.[a-z]{2}|ac\.[a-z]{2})$")

_PLAIN = re.compile(
    r"[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*@(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+[a-z]{2,}"
)
_NUMBER = re.compile(r"([0-9]{1,18})$")
_RUNS = re.compile(r"[^\W\d_]+|\d+")

# Unicode Technical Standard 39 maps these to one another inside ASCII.
_LOOKALIKES = str.maketrans({"0": "o", "1": "l", "|": "l", "i": "l"})

# NFKC takes the Greek lunate sigma for a sigma, which looks like no c any more. The
# small capital c does, and is as much another letter than c as the sigma is.
_LUNATE = str.maketrans("\u03f2\u03f9", "\u1d04\u1d04")


@dataclass(frozen=True)
class _Domain:
    """What holds for every address under a domain."""

    name: str
    registrable: str
    kind: str


@dataclass
class EmailNormaliser:
    """Normalises e-mail addresses with the reference data of a workspace."""

    reference: Reference
    _domains: dict[str, _Domain] = field(default_factory=dict)

    def __call__(self, raw: pa.Array) -> pa.Table:
        """Give each address's form; what can't be read keeps its text and no kin."""
        forms = [self.form(text) for text in raw.to_pylist()]
        return pa.Table.from_pylist(forms, schema=_SCHEMA)

    def form(self, raw: str) -> dict[str, str | int | None]:
        """Give the form of one address."""
        split = _split(raw)
        if split is None:
            text = raw.strip().casefold()
            masked = f"{text[:1]}•••"
            return {"text": text or None, "class": "unreadable", "masked": masked}
        domain = self._domain(split[1])
        local = mailbox(split[0], domain.name)
        number = _NUMBER.search(local)
        stem = local[: number.start()] if number else local
        return {
            "text": f"{local}@{domain.name}",
            "class": domain.kind,
            "domain": domain.registrable,
            "template": _RUNS.sub(_run, local),
            "stem": f"{stem}@{domain.name}",
            "number": int(number[1]) if number else None,
            "skeleton": f"{skeleton(local)}@{seeming(domain.name)}",
            "masked": f"{local[:1]}•••@{domain.name[:1]}•••",
        }

    def _domain(self, name: str) -> _Domain:
        if name not in self._domains:
            same = SAME_MAILBOX.get(name, name)
            registrable = _suffixes().privatesuffix(same) or same
            kind = self._kind(same, registrable)
            self._domains[name] = _Domain(same, registrable, kind)
        return self._domains[name]

    def _kind(self, name: str, registrable: str) -> str:
        listed = self.reference.domains
        if name in RELAYS or registrable in RELAYS:
            return "relay"
        for one in (name, registrable):
            if one in listed:
                return listed[one]
        if name in ALSO_FREE:
            return "free"
        academic = _ACADEMIC.search(_suffixes().publicsuffix(name) or "")
        return "university" if academic else "own"


@cache
def _suffixes() -> PublicSuffixList:
    """The list that the package carries: reading it takes as long as a small ingest."""
    return PublicSuffixList()


_SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("class", pa.string()),
        ("domain", pa.string()),
        ("template", pa.string()),
        ("stem", pa.string()),
        ("number", pa.int64()),
        ("skeleton", pa.string()),
        ("masked", pa.string()),
    ]
)


def mailbox(local: str, domain: str) -> str:
    """Give the part before the @ without what its provider passes over."""
    if domain in PLUS:
        local = local.partition("+")[0] or local
    elif domain in HYPHEN:
        local = local.partition("-")[0] or local
    if domain in DOTLESS:
        local = local.replace(".", "") or local
    return local


def skeleton(text: str) -> str:
    """Give a text that all its look-alikes share (Unicode TS 39, section 4)."""
    plain = text if text.isascii() else "".join(map(_lookalike, text))
    return plain.translate(_LOOKALIKES).replace("m", "rn")


@lru_cache(maxsize=1 << 16)
def seeming(name: str) -> str:
    """Give the domain that an international one is mistaken for, else itself."""
    if "xn--" not in name:
        return name
    try:
        return "".join(map(_lookalike, idna.decode(name)))
    except idna.IDNAError:
        return name


@lru_cache(maxsize=1 << 16)
def _lookalike(letter: str) -> str:
    """Give the ASCII letter that a letter is mistaken for, else itself.

    A mailbox is kept in small letters, so what a capital is mistaken for counts too.
    """
    if letter.isascii():
        return letter
    for form in (letter, letter.upper()):
        for one in confusables.is_confusable(form, greedy=True) or []:
            for like in one["homoglyphs"]:
                if like["c"].isascii() and like["c"].isalnum():
                    return str(like["c"]).lower()
    return letter


def _run(match: re.Match[str]) -> str:
    return f"{'9' if match[0].isdigit() else 'a'}{{{len(match[0])}}}"


def _split(raw: str) -> tuple[str, str] | None:
    """Give local part and domain in canonical letters; None for no address."""
    text = raw.strip().casefold()
    if len(text) <= 254 and _PLAIN.fullmatch(text):
        local, _, domain = text.partition("@")
        return (local, domain) if len(local) <= 64 else None
    return _split_foreign(raw.strip())


def _folded(text: str) -> str:
    """Fold width and case; folding case may undo NFKC, so that is done again."""
    folded = unicodedata.normalize("NFKC", text.translate(_LUNATE)).casefold()
    return unicodedata.normalize("NFKC", folded)


def _split_foreign(text: str) -> tuple[str, str] | None:
    if len(text) > 320 or text.count("@") != 1:
        return None
    local, _, domain = text.partition("@")
    local = _folded(local)
    try:
        name = idna.encode(domain.rstrip("."), uts46=True).decode().lower()
        validate_email(f"{local}@{name}", check_deliverability=False)
    except (EmailNotValidError, idna.IDNAError, UnicodeError):
        return None
    return local, name
