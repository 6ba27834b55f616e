"""The nouns of deciding: verdicts, reasons, subjects, one person's act on a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.errors import RingfenceError

# What may be decided about each type of subject.
VERDICTS: Mapping[str, tuple[str, ...]] = {
    "account": ("ban", "hold", "review", "watch", "clear"),
    "key": ("revoke", "hold", "review", "watch", "clear"),
    "tenant": ("throttle", "review", "watch", "clear"),
    "end_user": ("ban", "watch", "clear"),
    "cluster": ("dismiss", "review", "watch"),
    "identifier": ("clear", "watch"),
}

# Verdicts that take something away for good, and so may need a second person.
ENFORCING = frozenset({"ban", "revoke", "throttle"})

# More subjects than this in one case need a second person (as MediaWiki's CheckUser
# caps one mass block; the figure is this project's own, and cautious).
ALONE_LIMIT = 50

REASONS: Mapping[str, str] = {
    "disposable_signup": "Sign-ups made to burn trial credit",
    "stolen_payment": "Stolen or disputed card",
    "key_replay": "Key used by someone else than its owner",
    "tenant_drain": "One party drains a shared quota",
    "cloud_key_exposure": "Key used after it was exposed",
    "shared_place": "Campus, office, library or carrier address",
    "household": "Family or friends",
    "one_customer": "One customer with several accounts in good faith",
    "research": "Researcher, honeytoken or test key",
    "not_enough": "Not enough evidence",
    "other": "Other: see the note",
}


class ConflictError(RingfenceError):
    """Someone else acted on the case since it was read."""


class ApprovalError(RingfenceError):
    """The second person's part can't be done so."""


@dataclass(frozen=True)
class Subject:
    """Whom a verdict is about; `paying` when they have paid and not disputed."""

    type: str
    id: str
    paying: bool = False

    def __post_init__(self) -> None:
        if self.type not in VERDICTS:
            raise ValueError(f"nothing can be decided about a {self.type!r}")


@dataclass(frozen=True)
class Act:
    """What a person asks for: one verdict over the subjects of one case.

    `version` is the case's as the person saw it; `evidence` what spoke against the
    case then; `members` the accounts by which the case follows its cluster.
    """

    case_id: str
    version: int
    verdict: str
    reason: str
    subjects: tuple[Subject, ...]
    snapshot: str
    note: str = ""
    expires_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.subjects:
            raise ValueError("a decision needs someone to be about")
        if self.reason not in REASONS:
            raise ValueError(f"reason {self.reason!r} is not one of REASONS")
        for subject in self.subjects:
            if self.verdict not in VERDICTS[subject.type]:
                raise ValueError(
                    f"a {subject.type} can't get the verdict {self.verdict}"
                )

    @property
    def needs_approval(self) -> bool:
        """Whether a second person must agree before it takes effect."""
        return self.verdict in ENFORCING and (
            len(self.subjects) > ALONE_LIMIT or any(s.paying for s in self.subjects)
        )


@dataclass(frozen=True)
class Outcome:
    """What came of an act: its batch, its decisions, and whether it must wait."""

    batch_id: str
    decision_ids: tuple[str, ...]
    waits: bool
