"""Signatures of deliveries: Stripe's, GitHub's, and GitHub's as to a partner.

Each check is over the body's bytes, before anything is parsed, and in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ingest.errors import UsageError

TOLERANCE_SECONDS = 300
"""How far a delivery's time may lie from now; Stripe's libraries use the same."""


def stripe_is_genuine(body: bytes, header: str, secret: str, now: float) -> bool:
    """Check `Stripe-Signature` (`t=…,v1=…`): the time is signed with the body.

    https://docs.stripe.com/webhooks#verify-manually
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()):
        return False
    if abs(now - int(times[0])) > TOLERANCE_SECONDS:
        return False
    signed = times[0].encode() + b"." + body
    expected = hmac.digest(secret.encode(), signed, "sha256").hex()
    return any(_same(expected, one) for one in given)


def github_is_genuine(body: bytes, header: str, secret: str) -> bool:
    """Check `X-Hub-Signature-256` (`sha256=…`), which has no time of its own.

    https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    """
    expected = "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()
    return _same(expected, header)


def partner_is_genuine(
    body: bytes, identifier: str, signature: str, keys: Mapping[str, str]
) -> bool:
    """Check `Github-Public-Key-Signature` (ECDSA over SHA-256) with the key it names.

    `keys` are PEM texts by identifier, as `partner_keys` reads them.
    https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program
    """
    pem = keys.get(identifier)
    if pem is None:
        return False
    try:
        key = serialization.load_pem_public_key(pem.encode())
        given = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(given, body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def partner_keys(path: Path) -> Mapping[str, str]:
    """Read GitHub's public keys from a saved answer of its `meta/public_keys`.

    Raises `UsageError` when the file is not such an answer.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        keys = {one["key_identifier"]: one["key"] for one in told["public_keys"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} does not hold GitHub's public keys: save the answer of"
            " GitHub's meta/public_keys/secret_scanning there"
        ) from error
    return keys


def fingerprint(*parts: bytes) -> str:
    """Name a delivery by what is in it, so that it is known when it comes again."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
