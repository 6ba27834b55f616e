"""Two ways through the checks: usage, which is nearly all volume, and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ingest import checks
from ingest.contract import BY_NAME, EVENT_TYPES, FIELDS, USAGE
from ingest.sql import fill, literal

_PARSED = """
    SELECT nr, record, unnest(json_transform(record, $shape))
    FROM records WHERE $filter
"""

_SCOPED = "SELECT nr, record, $present FROM ($parsed)"

_QUICK = """
    SELECT nr, $values, coalesce($doubt, true) AS doubt FROM ($scoped)
"""

_EXACT = "SELECT nr, $values, $reason AS reason FROM ($scoped)"


@dataclass(frozen=True)
class Route:
    """Event types that are checked together, with the columns that they need."""

    name: str
    types: tuple[str, ...]
    fields: tuple[str, ...]

    def _scoped(self, condition: str) -> str:
        parsed = fill(_PARSED, shape=checks.shape(self.fields), filter=condition)
        present = ", ".join(checks.present(f, self.types) for f in self.fields)
        return fill(_SCOPED, present=present, parsed=parsed)

    def quick(self, condition: str) -> str:
        """Select typed fields and `doubt` of the records that meet a condition."""
        values = (f"{checks.quick_value(f)} AS {f}" for f in self.fields)
        return fill(
            _QUICK,
            values=", ".join(values),
            doubt=checks.doubt(self.fields, self.types),
            scoped=self._scoped(condition),
        )

    def exact(self, condition: str) -> str:
        """Select typed fields and `reason` of the records that meet a condition."""
        values = (f"{checks.exact_value(f)} AS {f}" for f in self.fields)
        return fill(
            _EXACT,
            values=", ".join(values),
            reason=checks.reason(),
            scoped=self._scoped(condition),
        )

    @cached_property
    def text_fields(self) -> tuple[str, ...]:
        """Name the fields that are stored as text, besides the type."""
        return tuple(
            f for f in self.fields if FIELDS[f].value == "VARCHAR" and f != "type"
        )


USAGE_ROUTE = Route("usage", (USAGE,), BY_NAME[USAGE].fields)
REST_ROUTE = Route("rest", tuple(one.name for one in EVENT_TYPES), tuple(FIELDS))
ROUTES = (USAGE_ROUTE, REST_ROUTE)

MENTIONS_USAGE = fill("contains(record, $word)", word=literal(f'"{USAGE}"'))
"""A cheap guess at a record's type; the check of the type itself follows."""
