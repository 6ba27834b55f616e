"""The pepper: the secret under which identifiers become keyed hashes.

It never lies in the workspace. A workspace keeps a keyed check of it, so that a
ledger is never continued under another pepper, which would break every link.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ingest.errors import PepperError
from ingest.sql import fill, literal

LEAST_BYTES = 16
"""RFC 2104 section 3 advises at least half the hash's output (32 bytes)."""

SHORT_HEX = 32
"""Hex digits kept of a keyed hash: 128 bits, no collision at any real volume."""

LONG_HEX = 64
"""Hex digits of the stored form of an API key."""

_BLOCK = 64


_ROTATED = "rotated"


@dataclass(frozen=True)
class Pepper:
    """The secret itself; it shows itself in no representation.

    After a rotation it holds several, one a line, the oldest first. What the first
    one has keyed is keyed again by each later one: so what is stored can be brought
    to the newest without the readable value, and new events meet it there.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if min(map(len, self._secrets), default=0) < LEAST_BYTES:
            raise PepperError(
                f"the pepper is shorter than {LEAST_BYTES} bytes: "
                "give a longer one in RINGFENCE_PEPPER or the pepper file"
            )

    @classmethod
    def load(cls) -> Pepper:
        """Read the pepper from the environment or its file, made on first use.

        `RINGFENCE_PEPPER` wins; else the file that `RINGFENCE_PEPPER_FILE` names,
        else `ringfence/pepper` under `XDG_CONFIG_HOME` (`~/.config`). Raises
        `PepperError` where it is too short, open to others or can't be read.
        """
        given = os.environ.get("RINGFENCE_PEPPER")
        if given is not None:
            return cls(given.strip().encode())
        return cls(_read(_place()))

    @cached_property
    def _secrets(self) -> tuple[bytes, ...]:
        return tuple(line.strip() for line in self.secret.splitlines() if line.strip())

    @property
    def rotations(self) -> int:
        """How many times the pepper was exchanged."""
        return len(self._secrets) - 1

    @cached_property
    def ages(self) -> tuple[Pepper, ...]:
        """The pepper as it was before any rotation, after the first, and so on."""
        counts = range(1, len(self._secrets) + 1)
        return tuple(Pepper(b"\n".join(self._secrets[:count])) for count in counts)

    @property
    def first(self) -> Pepper:
        """The pepper as it was before any rotation."""
        return self.ages[0]

    def of_check(self, check: str) -> Pepper | None:
        """Give the pepper as it was when it made a stored check; None for another's."""
        return next((age for age in self.ages if age.matches(check)), None)

    def keyed(self, kind: str, text: str) -> str:
        """Give the keyed hash of an identifier; kinds never meet each other."""
        return self._digest(f"{kind}\0{text}", SHORT_HEX)

    def key_hash(self, sha256_hex: str) -> str:
        """Give the stored form of an API key from the SHA-256 of its raw text."""
        return self._digest(sha256_hex.lower())

    def raw_key(self, raw: str) -> str:
        """Give the stored form of a raw API key; the same as its logged hash has."""
        return self.key_hash(hashlib.sha256(raw.encode()).hexdigest())

    def check(self) -> str:
        """Give the value that tells this pepper from another without revealing it."""
        return self._digest("ringfence pepper check")

    def matches(self, check: str) -> bool:
        """Say in constant time whether a stored check was made by this pepper."""
        return hmac.compare_digest(self.check(), check)

    def rotated(self, stored: str, since: int) -> str:
        """Bring what was stored after `since` rotations to this pepper."""
        for secret in self._secrets[since + 1 :]:
            message = f"{_ROTATED}\0{stored}".encode()
            stored = hmac.digest(secret, message, "sha256").hex()[: len(stored)]
        return stored

    def keyed_sql(self, kind: str, text: str) -> str:
        """Give the SQL of `keyed`; `pads` are its parameters.

        Both arguments are SQL: `kind` gives the kind's name, `text` a VARCHAR column.
        """
        first = _hmac_sql(f"encode({kind} || chr(0) || {text})", 0)
        return self.rotated_sql(_left(first, str(SHORT_HEX)), 0, SHORT_HEX)

    def key_hash_sql(self, text: str) -> str:
        """Give the SQL of `key_hash` for a column of SHA-256 in hex."""
        return self.rotated_sql(_hmac_sql(f"encode(lower({text}))", 0), 0, LONG_HEX)

    def rotated_sql(self, stored: str, since: int, digits: int) -> str:
        """Give the SQL of `rotated` for a column of hashes of so many digits."""
        for place in range(since + 1, len(self._secrets)):
            message = f"encode({literal(_ROTATED)} || chr(0) || {stored})"
            stored = _left(_hmac_sql(message, place), str(digits))
        return stored

    def pads(self, since: int = -1) -> dict[str, bytes]:
        """Give the inner and outer pads of HMAC (RFC 2104), for DuckDB's sha256.

        Those of the pepper after `since` rotations and before it are left out.
        """
        pads = {}
        for place, secret in enumerate(self._secrets):
            if place > since:
                key = (
                    hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret
                )
                key = key.ljust(_BLOCK, b"\0")
                pads[f"inner{place}"] = bytes(byte ^ 0x36 for byte in key)
                pads[f"outer{place}"] = bytes(byte ^ 0x5C for byte in key)
        return pads

    def _digest(self, text: str, digits: int = LONG_HEX) -> str:
        first = hmac.digest(self._secrets[0], text.encode(), "sha256").hex()
        return self.rotated(first[:digits], 0)


def add(secret: str) -> Pepper:
    """Put a further pepper at the end of the pepper file, whole or not at all.

    Raises `PepperError` where the pepper comes from the environment.
    """
    if "RINGFENCE_PEPPER" in os.environ:
        raise PepperError(
            "the pepper comes from RINGFENCE_PEPPER: put the new one on a line of its "
            "own after the old one there, then rotate"
        )
    path = _place()
    grown = Pepper(_read(path) + b"\n" + secret.encode())
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    _write_private(fresh, grown.secret)
    fresh.replace(path)
    return grown


def new_secret() -> str:
    """Draw a pepper: 256 bits in hex."""
    return secrets.token_hex(32)


def _left(text: str, digits: str) -> str:
    return fill("left($text, $digits)", text=text, digits=digits)


def _hmac_sql(message: str, place: int) -> str:
    return fill(
        "sha256($$outer$place::BLOB || unhex(sha256($$inner$place::BLOB || $message)))",
        message=message,
        place=str(place),
    )


def _place() -> Path:
    named = os.environ.get("RINGFENCE_PEPPER_FILE")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "ringfence" / "pepper"


def _read(path: Path) -> bytes:
    try:
        _make(path)
        mode = path.stat().st_mode & 0o777
        secret = path.read_bytes().strip()
    except OSError as error:
        raise PepperError(
            f"pepper file {path} can't be read or made ({error.strerror}): "
            "name another in RINGFENCE_PEPPER_FILE"
        ) from error
    if mode & 0o077:
        raise PepperError(
            f"pepper file {path} is open to other users: run chmod 600 on it"
        )
    return secret


def _make(path: Path) -> None:
    """Write a new pepper, whole or not at all, unless there is one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    _write_private(fresh, new_secret().encode())
    try:
        # A hard link never replaces the pepper that another process made meanwhile.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _write_private(path: Path, body: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
