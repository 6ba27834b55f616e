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
from pathlib import Path

from ingest.errors import PepperError
from ingest.sql import fill

LEAST_BYTES = 16
"""RFC 2104 section 3 advises at least half the hash's output (32 bytes)."""

SHORT_HEX = 32
"""Hex digits kept of a keyed hash: 128 bits, no collision at any real volume."""

_BLOCK = 64


@dataclass(frozen=True)
class Pepper:
    """The secret itself; it shows itself in no representation."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < LEAST_BYTES:
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

    def keyed(self, kind: str, text: str) -> str:
        """Give the keyed hash of an identifier; kinds never meet each other."""
        return self._digest(f"{kind}\0{text}")[:SHORT_HEX]

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

    def pads(self) -> dict[str, bytes]:
        """Give the inner and outer pad of HMAC (RFC 2104), for DuckDB's sha256."""
        key = self.secret
        if len(key) > _BLOCK:
            key = hashlib.sha256(key).digest()
        key = key.ljust(_BLOCK, b"\0")
        return {
            "inner": bytes(byte ^ 0x36 for byte in key),
            "outer": bytes(byte ^ 0x5C for byte in key),
        }

    def _digest(self, text: str) -> str:
        return hmac.digest(self.secret, text.encode(), "sha256").hex()


def keyed_sql(kind: str, text: str) -> str:
    """Give the SQL of `Pepper.keyed`, with the pads as `$inner` and `$outer`.

    Both arguments are SQL: `kind` gives the kind's name, `text` a VARCHAR column.
    """
    return fill(
        "left($hash, $digits)",
        hash=_hmac_sql(f"encode({kind} || chr(0) || {text})"),
        digits=str(SHORT_HEX),
    )


def key_hash_sql(text: str) -> str:
    """Give the SQL of `Pepper.key_hash` for a column of SHA-256 in hex."""
    return _hmac_sql(f"encode(lower({text}))")


def _hmac_sql(message: str) -> str:
    return fill(
        "sha256($$outer::BLOB || unhex(sha256($$inner::BLOB || $message)))",
        message=message,
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
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_hex(32).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # A hard link never replaces the pepper that another process made meanwhile.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
