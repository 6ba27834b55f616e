"""Who may do what: roles, the rights each one gives, and the file that names them.

What is not in `RIGHTS` is denied. A company's groups come from its identity
provider; one person alone on a loopback page comes from the role file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ingest.errors import RingfenceError, UsageError
from ingest.workspace import Workspace


class AccessError(RingfenceError):
    """The person's roles don't allow what was asked."""


class Right(StrEnum):
    """One thing that a person may be allowed to do."""

    SEE = "see the queue, clusters and entities"
    REVEAL = "reveal a masked value"
    NOTE = "write notes, assign, save views"
    DECIDE = "decide and undo"
    APPROVE = "approve another person's proposal"
    EXPORT = "export approved decisions"
    QUERY = "run saved queries"
    CYPHER = "write free Cypher"
    AUDIT = "read and verify the audit"


_INVESTIGATE = frozenset(
    {Right.SEE, Right.REVEAL, Right.NOTE, Right.DECIDE, Right.EXPORT, Right.QUERY}
)

# Decisions belong to investigators and approvers alone: whoever runs the tool (admin)
# or asks it questions (analyst) bans nobody by that office.
RIGHTS: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.SEE}),
    "investigator": _INVESTIGATE,
    "approver": _INVESTIGATE | {Right.APPROVE, Right.AUDIT},
    "analyst": frozenset({Right.SEE, Right.QUERY, Right.CYPHER}),
    "admin": frozenset({Right.SEE, Right.QUERY, Right.AUDIT}),
}


@dataclass(frozen=True)
class Person:
    """Who is at the page. `name` is what decisions and the audit carry."""

    name: str
    roles: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a person needs a name: decisions are signed with it")
        unknown = sorted(self.roles - RIGHTS.keys())
        if unknown:
            raise UsageError(
                f"role {unknown[0]!r} of {self.name} is unknown: "
                f"choose from {', '.join(RIGHTS)}"
            )

    def may(self, right: Right) -> bool:
        """Whether any of the person's roles gives `right`."""
        return any(right in RIGHTS[role] for role in self.roles)

    def require(self, right: Right) -> None:
        """Raise `AccessError` unless the person may."""
        if not self.may(right):
            held = ", ".join(sorted(self.roles)) or "no role"
            givers = " or ".join(r for r, rights in RIGHTS.items() if right in rights)
            raise AccessError(
                f"{self.name} ({held}) may not {right}: ask for the role {givers}"
            )


# One person on their own machine; free Cypher stays off until a role file grants it.
ALONE = Person("local", frozenset({"investigator", "approver", "admin"}))


@dataclass(frozen=True)
class RoleBook:
    """The role file: the loopback's one person, and what each login group may do.

    ```toml
    [local]
    name = "ana"
    roles = ["investigator", "approver"]

    [groups]
    fraud-team = ["investigator"]
    ```
    """

    local: Person = ALONE
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace) -> RoleBook:
        """The file `RINGFENCE_ROLES`, else `roles.toml` in the workspace."""
        named = os.environ.get("RINGFENCE_ROLES")
        return cls.read(Path(named) if named else workspace.root / "roles.toml")

    @classmethod
    def read(cls, path: Path) -> RoleBook:
        """Read the file at `path`; without a file, `ALONE` and no groups.

        Raises `UsageError` naming the place when it can't be understood.
        """
        if not path.exists():
            return cls()
        try:
            document = tomllib.loads(path.read_text())
            return cls(_local(document), _groups(document))
        except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"role file {path} can't be read ({error}): it holds [local] with "
                "name and roles, and [groups] with a list of roles for each group"
            ) from error

    def person(self, name: str, groups: Iterable[str]) -> Person:
        """The person a login names, with the roles of the groups that are known."""
        roles = frozenset().union(*(self.groups.get(g, frozenset()) for g in groups))
        return Person(name, roles)


def _local(document: Mapping[str, Mapping[str, object]]) -> Person:
    if "local" not in document:
        return ALONE
    entry = document["local"]
    return Person(str(entry["name"]), _roles(entry["roles"]))


def _groups(document: Mapping[str, Mapping[str, object]]) -> dict[str, frozenset[str]]:
    groups = document.get("groups", {})
    return {name: Person(name, _roles(roles)).roles for name, roles in groups.items()}


def _roles(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise TypeError("roles are a list of names")
    return frozenset(str(role) for role in value)
