"""STIX 2.1: a validated bundle for sharing, with expiry, marking and revocation.

Each decision is an indicator (valid from its day to its expiry), the account, key, end
user or tenant behind it, and a note with the reason; a grouping holds them together.
E-mail addresses appear as keyed hashes, secrets not at all. Ids follow from what they
name, so the same export has the same ids; the rollback bundle is the same indicators,
revoked.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from graph.exports.package import Bundle, Context, Decision, File, json_bytes, rfc3339
from graph.exports.traces import exclusive
from graph.frameworks import controls
from ingest.errors import UsageError

# Names the space of this tool's own ids (RFC 9562, version 5).
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://ringfence.invalid/stix/2.1")

# Begins before any decision, for objects that no decision dates.
_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00")

_MARKINGS = ("white", "green", "amber", "red")

_EMAILS = """
    SELECT DISTINCT d.decision_id, o.identifier
    FROM observations o
    JOIN decided d ON d.subject_type = 'account' AND d.subject_id = o.account_id
    WHERE o.kind = 'email' ORDER BY ALL
"""

_TYPOLOGIES = """
    SELECT DISTINCT d.decision_id, coalesce(a.typology, k.typology, t.typology) AS name
    FROM decided d
    LEFT JOIN accounts a ON d.subject_type = 'account' AND a.account_id = d.subject_id
    LEFT JOIN keys k ON d.subject_type = 'key' AND k.key_id = d.subject_id
    LEFT JOIN tenants t ON d.subject_type = 'tenant' AND t.tenant_id = d.subject_id
    WHERE name <> '' ORDER BY ALL
"""


def build(context: Context) -> Bundle:
    """The bundle, and the bundle that revokes its indicators."""
    # stix2 takes a fifth of a second to import, and only this format needs it.
    from stix2 import v21 as stix

    writer = _Writer(stix, context)
    objects = list(writer.objects())
    indicators = [one for one in objects if one["type"] == "indicator"]
    revoked = [one.new_version(revoked=True, modified=_after(one, context)) for one in
               indicators]  # fmt: skip
    return Bundle(
        files=(File("", writer.bundle("bans", objects)),),
        rollback=(File("", writer.bundle("rollback", [*writer.frame(), *revoked])),),
        left_out=tuple(writer.left_out),
    )


def _after(indicator: Any, context: Context) -> datetime:
    """A revocation is newer than what it revokes, whatever the clock says."""
    made: datetime = indicator["modified"].replace(tzinfo=None)
    return max(context.clock, made + timedelta(milliseconds=1))


class _Writer:
    """Writes one export's objects; `stix` is the module `stix2.v21`."""

    def __init__(self, stix: Any, context: Context) -> None:
        if context.settings.tlp not in _MARKINGS:
            raise UsageError(
                f"marking {context.settings.tlp!r} is unknown: "
                f"RINGFENCE_TLP takes {', '.join(_MARKINGS)}"
            )
        self.stix, self.context = stix, context
        self.traces, self.left_out = exclusive(context, "ip")
        self.marking = getattr(stix, f"TLP_{context.settings.tlp.upper()}")
        self.author = stix.Identity(
            id=_id("identity", "ringfence"),
            name="Ringfence",
            identity_class="system",
            created=_EPOCH,
            modified=_EPOCH,
            object_marking_refs=[self.marking],
        )

    def frame(self) -> list[Any]:
        """The marking and the author, which every bundle holds."""
        return [self.marking, self.author]

    def objects(self) -> Iterator[Any]:
        """Everything of the bundle, in a fixed order, each object once."""
        yield from self.frame()
        patterns = {name: self._attack_pattern(name) for name in self._typologies()}
        yield from patterns.values()
        grouped: list[Any] = []
        for decision in self.context.decisions:
            grouped += self._decided(decision)
        grouped += self._emails()
        grouped += self._addresses()
        grouped += self._indicated(patterns)
        unique = {one["id"]: one for one in grouped}
        yield from unique.values()
        if unique:
            yield self._grouping(list(unique))

    def bundle(self, name: str, objects: list[Any]) -> bytes:
        """The serialised bundle; the library has checked every object in it."""
        named = f"{name}:{self.context.snapshot.folder.name}:" + ",".join(
            sorted(f"{one['id']} {one.get('modified', '')}" for one in objects)
        )
        bundle = self.stix.Bundle(*objects, id=_id("bundle", named))
        # The library's own indentation takes time with the square of the objects.
        return json_bytes(json.loads(bundle.serialize()))

    def _decided(self, decision: Decision) -> Iterator[Any]:
        account = self._account(decision)
        yield account
        yield self.stix.Indicator(
            id=_id("indicator", decision.decision_id),
            name=f"{decision.verdict} {decision.subject_type}",
            pattern=_pattern(decision),
            pattern_type="stix",
            valid_from=decision.decided_at,
            valid_until=decision.expires_at,
            **self._common(decision),
        )
        yield self.stix.Note(
            id=_id("note", decision.decision_id),
            abstract=f"{decision.verdict}: {decision.reason}",
            content=_sentence(decision),
            object_refs=[account["id"], _id("indicator", decision.decision_id)],
            **self._common(decision),
        )

    def _account(self, decision: Decision) -> Any:
        return self.stix.UserAccount(
            user_id=decision.subject_id,
            account_type=decision.subject_type.replace("_", "-"),
            is_disabled=decision.verdict in {"ban", "revoke"},
            object_marking_refs=[self.marking],
        )

    def _emails(self) -> Iterator[Any]:
        by_id = {d.decision_id: d for d in self.context.decisions}
        for name, identifier in self.context.tables.execute(_EMAILS).fetchall():
            # A keyed hash under a reserved domain: no address, yet equal values meet.
            yield self.stix.EmailAddress(
                value=f"{identifier[:64]}@hashed.invalid",
                belongs_to_ref=self._account(by_id[name])["id"],
                object_marking_refs=[self.marking],
            )

    def _addresses(self) -> Iterator[Any]:
        for trace in self.traces:
            six = ":" in trace.value
            kind = self.stix.IPv6Address if six else self.stix.IPv4Address
            value = trace.value.removesuffix("/32")
            yield kind(value=value, object_marking_refs=[self.marking])

    def _typologies(self) -> list[str]:
        rows = self.context.tables.execute(_TYPOLOGIES).fetchall()
        return sorted({name for _, name in rows})

    def _attack_pattern(self, typology: str) -> Any:
        return self.stix.AttackPattern(
            id=_id("attack-pattern", typology),
            name=typology.replace("_", " "),
            created=_EPOCH,
            modified=_EPOCH,
            created_by_ref=self.author,
            object_marking_refs=[self.marking],
            external_references=[
                {"source_name": "ringfence", "external_id": typology},
                *(
                    {"source_name": control.split()[0].lower(), "external_id": control}
                    for control in controls().get(typology, [])
                ),
            ],
        )

    def _indicated(self, patterns: dict[str, Any]) -> Iterator[Any]:
        by_id = {d.decision_id: d for d in self.context.decisions}
        for name, typology in self.context.tables.execute(_TYPOLOGIES).fetchall():
            yield self.stix.Relationship(
                id=_id("relationship", f"{name} {typology}"),
                relationship_type="indicates",
                source_ref=_id("indicator", name),
                target_ref=patterns[typology],
                **self._common(by_id[name]),
            )

    def _grouping(self, references: list[str]) -> Any:
        snapshot = self.context.snapshot
        return self.stix.Grouping(
            id=_id("grouping", f"{snapshot.folder.name} {','.join(references)}"),
            name="Approved decisions",
            description=f"From snapshot {snapshot.folder.name}, "
            f"made {rfc3339(self.context.clock)}",
            context="suspicious-activity",
            object_refs=references,
            created=self.context.clock,
            modified=self.context.clock,
            created_by_ref=self.author,
            object_marking_refs=[self.marking],
        )

    def _common(self, decision: Decision) -> dict[str, Any]:
        return {
            "created": decision.decided_at,
            "modified": decision.decided_at,
            "created_by_ref": self.author,
            "object_marking_refs": [self.marking],
            "external_references": [
                {"source_name": "ringfence", "external_id": decision.decision_id}
            ],
        }


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid.uuid5(_SPACE, f'{kind} {name}')}"


def _pattern(decision: Decision) -> str:
    value = decision.subject_id.replace("\\", "\\\\").replace("'", "\\'")
    kind = decision.subject_type.replace("_", "-")
    return (
        f"[user-account:user_id = '{value}' AND user-account:account_type = '{kind}']"
    )


def _sentence(decision: Decision) -> str:
    ends = "it is undone" if decision.expires_at is None else (
        rfc3339(decision.expires_at)
    )  # fmt: skip
    return (
        f"Decision {decision.decision_id}: {decision.verdict} for {decision.reason}, "
        f"approved by {decision.approver}, until {ends}; "
        f"made on snapshot {decision.snapshot}."
    )
