"""Phone numbers: E.164, with type and region from libphonenumber's data."""

from __future__ import annotations

import phonenumbers
import pyarrow as pa
from phonenumbers import PhoneNumberType

from ingest.identifiers import FORMS

_TYPES = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed or mobile",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.TOLL_FREE: "toll free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
}
_SCHEMA = pa.schema([(n, FORMS[n]) for n in ("text", "class", "country", "masked")])


def normalise(raw: pa.Array) -> pa.Table:
    """Give each number's form; one without a country keeps its digits, unreadable."""
    return pa.Table.from_pylist([_form(text) for text in raw.to_pylist()], _SCHEMA)


def _form(raw: str) -> dict[str, str | None]:
    text = raw.strip()
    international = "+" + text[2:] if text.startswith("00") else text
    try:
        number = phonenumbers.parse(international[:64], None)
    except phonenumbers.NumberParseException:
        digits = "".join(one for one in text if one.isdigit()) or text.casefold()
        if digits.startswith("00") and digits != text:
            # What is kept must read as the same number when it comes again.
            return _form(digits)
        return {
            "text": digits or None,
            "class": "unreadable",
            "country": None,
            "masked": _masked(digits),
        }
    form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    kind = phonenumbers.number_type(number)
    return {
        "text": form,
        "class": _TYPES.get(kind, "invalid"),
        "country": phonenumbers.region_code_for_number(number),
        "masked": _masked(form),
    }


def _masked(text: str) -> str:
    return f"{text[:3]}•••{text[-2:]}" if len(text) > 7 else "•••"
