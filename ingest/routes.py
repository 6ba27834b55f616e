"""Ways through the checks: a quick one for each type, an exact one for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest import checks
from ingest.contract import EVENT_TYPES, FIELDS, FREE_TEXT, USAGE
from ingest.reasons import wrong_sql
from ingest.secrets import QUICK_PATTERN
from ingest.sql import fill, literal

_PARSED = """
    SELECT nr, record, unnest(json_transform($record, $shape)) FROM records
"""
# Text that is not JSON stops json_transform, so it is kept from it when some is known
# to be there; without a look at every record the rest goes faster.
_ONLY_JSON = "CASE WHEN json_valid(record) THEN record END"

_QUICK = """
    SELECT nr, hash(event_id) AS key, $values,
           ($doubt) IS TRUE AS doubt, ($secret) IS TRUE AS secret
    FROM ($parsed)
"""
_EXAMINED = """
    CREATE OR REPLACE TEMP TABLE examined AS
    SELECT nr, $present, CASE WHEN json_valid(record) THEN record END AS good
    FROM ($parsed)
"""
_EXACT = """
    SELECT nr, hash(event_id) AS key, $values, ($secret) IS TRUE AS secret, wrong
    FROM examined JOIN ($wrong) USING (nr)
"""
# One search over all texts of a row: a pattern is compiled for each time it stands in
# a query, which a small batch would feel.
_SUSPECT = "regexp_matches(concat_ws(chr(10), $texts), $pattern)"


@dataclass(frozen=True)
class Route:
    """Event types that are checked together, with the columns that they need."""

    types: tuple[str, ...]
    fields: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Name the fields whose text is stored as it was sent."""
        return tuple(name for name in self.fields if name in FREE_TEXT)

    def quick(self, only_json: bool) -> str:
        """Select typed fields, `doubt` and `secret` of the table `records`."""
        values = (f"{checks.scoped_value(f, self.types)} AS {f}" for f in self.fields)
        return fill(
            _QUICK,
            values=", ".join(values),
            doubt=checks.doubt(self.fields, self.types),
            secret=self._secret(),
            parsed=self._parsed(only_json),
        )

    def examined(self) -> str:
        """Make the table `examined` of `records`: the contract's fields as text."""
        present = ", ".join(checks.present(name) for name in self.fields)
        parsed = self._parsed(only_json=True)
        return fill(_EXAMINED, present=present, parsed=parsed)

    def exact(self) -> str:
        """Select typed fields, `wrong` and `secret` of the table `examined`."""
        values = (f"{checks.exact_value(f)} AS {f}" for f in self.fields)
        secret = self._secret()
        wrong = wrong_sql()
        return fill(_EXACT, values=", ".join(values), secret=secret, wrong=wrong)

    def _parsed(self, only_json: bool) -> str:
        return fill(
            _PARSED,
            record=_ONLY_JSON if only_json else "record",
            shape=checks.shape(self.fields),
        )

    def _secret(self) -> str:
        texts = ", ".join(self.texts)
        return fill(_SUSPECT, texts=texts, pattern=literal(QUICK_PATTERN))


ROUTES: Mapping[str, Route] = {
    event.name: Route((event.name,), event.fields) for event in EVENT_TYPES
}
"""The quick way of each event type."""

EVERY_TYPE = Route(tuple(ROUTES), tuple(FIELDS))
"""The way of what is doubted, whatever its type."""

_TYPE = "CASE $arms END"


def likely_type() -> str:
    """Give the type that a record's text names first in our order, or NULL.

    It is a guess, made without parsing; the check of the type itself follows.
    """
    names = sorted(ROUTES, key=lambda name: name != USAGE)
    arms = (
        fill(
            "WHEN contains(record, $mark) THEN $name",
            mark=literal(f'"{name}"'),
            name=literal(name),
        )
        for name in names
    )
    return fill(_TYPE, arms=" ".join(arms))
