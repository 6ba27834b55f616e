"""Raw API keys, tokens and card numbers in text: found and replaced by keyed hashes.

The patterns of keys follow gitleaks' rules for AI, cloud and payment services (MIT,
`ingest/reference/README.md`), loosened: a prefix and some length suffice, for a false
alarm costs a readable word and a miss costs a secret on the disk. Card numbers are
13 to 19 digits of a known issuer range whose last digit is right (ISO/IEC 7812-1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ingest.pepper import Pepper

# Provider by provider: OpenAI, Anthropic, OpenRouter, LiteLLM; Stripe; Bedrock;
# Google; Hugging Face; Groq, xAI, Perplexity, Replicate, Fireworks, NVIDIA, Together;
# GitHub; GitLab; Slack; LangSmith; npm, DigitalOcean, SendGrid, Square, Databricks.
_KEYS = (
    r"sk-[A-Za-z0-9_\-]{16,400}",
    r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{8,250}",
    r"sk_[A-Za-z0-9]{32,100}",
    r"whsec_[A-Za-z0-9+/=]{20,100}",
    r"ABSK[A-Za-z0-9+/]{60,300}={0,2}",
    r"bedrock-api-key-[A-Za-z0-9+/=_\-]{16,2000}",
    r"AIza[A-Za-z0-9_\-]{35}",
    r"GOCSPX-[A-Za-z0-9_\-]{20,40}",
    r"ya29\.[A-Za-z0-9_\-.]{20,2000}",
    r"hf_[A-Za-z0-9]{30,60}",
    r"api_org_[A-Za-z]{34}",
    r"gsk_[A-Za-z0-9]{40,80}",
    r"xai-[A-Za-z0-9]{40,120}",
    r"pplx-[A-Za-z0-9]{40,60}",
    r"r8_[A-Za-z0-9]{30,50}",
    r"fw_[A-Za-z0-9]{20,40}",
    r"nvapi-[A-Za-z0-9_\-]{40,90}",
    r"tgp_v1_[A-Za-z0-9_\-]{30,60}",
    r"gh[pousr]_[A-Za-z0-9]{30,260}",
    r"github_pat_[A-Za-z0-9_]{40,100}",
    r"gl(?:pat|rt|dt|ptt|soat)-[A-Za-z0-9_\-]{20,300}",
    r"xox[abeoprs][-.][A-Za-z0-9\-]{10,260}",
    r"xapp-\d-[A-Za-z0-9\-]{20,200}",
    r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{30,60}",
    r"npm_[A-Za-z0-9]{36}",
    r"do[opr]_v1_[a-f0-9]{64}",
    r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}",
    r"(?:EAAA|sq0[a-z]{3}-)[A-Za-z0-9_\-]{22,60}",
    r"dapi[a-f0-9]{32}",
)
# An AWS access key id names a key, as `key_id` may; elsewhere it is treated as one.
_KEY_NAMES = (r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",)
_TOKENS = (
    r"ey[A-Za-z0-9_\-]{10,4000}\.ey[A-Za-z0-9_\-]{10,8000}\.[A-Za-z0-9_\-]{0,4000}",
    r"-----BEGIN[ A-Z0-9_\-]{0,100}PRIVATE KEY",
)
# Visa; Mastercard; American Express; Discover; Diners; JCB; UnionPay; Maestro.
_ISSUERS = (
    (r"4", (13, 16, 19)),
    (r"5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720", (16,)),
    (r"3[47]", (15,)),
    (r"6011|64[4-9]|65", (16, 17, 18, 19)),
    (r"30[0-5]|309|36|38|39", (14, 16, 19)),
    (r"352[89]|35[3-8]\d", (16, 17, 18, 19)),
    (r"62|81", (16, 17, 18, 19)),
    (r"5018|5020|5038|5893|6304|6759|676[1-3]", (13, 14, 15, 16, 17, 18, 19)),
)
_DIGITS = r"\d(?:[ \-]?\d){12,18}"
_CARD_START = r"(?:[3456]|2[2-7]|81)"

# What may stand before a secret: no letter or digit, unless an escape ends there.
_LEFT = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtbf]))"
_KEY = re.compile(_LEFT + "(?:" + "|".join(_KEYS) + ")")
_KEY_NAME = re.compile(_LEFT + "(?:" + "|".join(_KEY_NAMES) + r")(?![A-Za-z0-9])")
_TOKEN = re.compile(_LEFT + "(?:" + "|".join(_TOKENS) + r")[^\s\"]*")
_CARD = re.compile(r"(?<![A-Za-z0-9+.])" + _DIGITS + r"(?![A-Za-z0-9])")
_ISSUER = tuple((re.compile(start), lengths) for start, lengths in _ISSUERS)

KEY_NAMES = frozenset({"key_id", "replaces"})
"""Fields that name a key, and so may hold the id of an access key."""

QUICK_PATTERN = "|".join(
    (
        r"(?:^|[^A-Za-z0-9]|%[0-9A-Fa-f]{2}|\\[nrtbf])(?:sk-|[sr]k_|whsec_|ABSK|bedrock-api|AIza|GOCSPX|ya29\.",
        r"hf_|api_org|gsk_|xai-|pplx-|r8_|fw_|nvapi|tgp_v1|gh[pousr]_|github_pat",
        r"gl(?:pat|rt|dt|ptt|soat)-|xox|xapp|lsv2|npm_|do[opr]_v1|SG\.|EAAA|sq0|dapi",
        r"A[KS]IA|ABIA|ACCA|ey[A-Za-z0-9]|-----BEGIN|"
        + _CARD_START
        + r"\d?(?:[ \-]?\d){11})",
    )
)
"""An RE2 pattern that meets whatever may be a secret, for whole columns at once."""


@dataclass(frozen=True)
class Redactor:
    """Replaces secrets by keyed hashes, the same secret always by the same one."""

    pepper: Pepper

    def clean(self, text: str, names_a_key: bool = False) -> str:
        """Replace every secret in a text.

        A key becomes the value that its logged hash is stored as, until the pepper is
        rotated: what stands in texts then stays, since ids and identifiers are made
        of them. `names_a_key` spares ids of access keys, which are no secrets.
        """
        pepper = self.pepper.first
        text = _TOKEN.sub(lambda m: pepper.keyed("token", m[0]), text)
        text = _KEY.sub(lambda m: pepper.raw_key(m[0]), text)
        if not names_a_key:
            text = _KEY_NAME.sub(lambda m: pepper.raw_key(m[0]), text)
        return _CARD.sub(self._card, text)

    def key_hash(self, text: str) -> str | None:
        """Give the stored hash of a text that is one raw key and nothing else."""
        plain = text.strip()
        return self.pepper.raw_key(plain) if is_raw_key(plain) else None

    def clean_array(self, texts: pa.Array, names_a_key: bool = False) -> pa.Array:
        """Clean a column; only the distinct texts that may hold a secret are read."""
        coded = texts.dictionary_encode()
        held = coded.dictionary
        marked = pc.match_substring_regex(held, QUICK_PATTERN)
        if not pc.any(marked).as_py():
            return texts
        cleaned = [
            self.clean(text, names_a_key) if may else text
            for text, may in zip(held.to_pylist(), marked.to_pylist(), strict=True)
        ]
        return pa.array(cleaned, pa.string()).take(coded.indices)

    def _card(self, match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])
        return (
            self.pepper.first.keyed("card number", digits)
            if is_card(digits)
            else match[0]
        )


def is_raw_key(text: str) -> bool:
    """Say whether a text is one raw API key and nothing else."""
    return _KEY.fullmatch(text) is not None


def is_card(digits: str) -> bool:
    """Say whether digits are a card number: issuer range, length and check digit."""
    known = any(
        len(digits) in lengths and start.match(digits) for start, lengths in _ISSUER
    )
    return known and _luhn(digits)


def _luhn(digits: str) -> bool:
    odd, even = digits[-1::-2], digits[-2::-2]
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in even)
    return (sum(map(int, odd)) + sum(doubled)) % 10 == 0
