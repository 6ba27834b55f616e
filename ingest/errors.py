"""Everything that Ringfence raises on purpose.

RingfenceError
├── PepperError      the pepper is missing, unreadable or not this workspace's
├── LedgerError      a manifest or segment is not what it should be
├── LayoutError      a workspace's layout is damaged or from a newer version
├── BackupError      an archive is damaged, or is not what it says
├── BusyError        another process holds the lock that this work needs
├── ReferenceDataError  a reference file can't be read
├── StoppedError     the user ended the work
├── EngineError      the engine that links is missing or gave up
├── StoreError       the graph database can't be reached or refused
└── UsageError       the call itself is wrong (exit status 2)

Each message names the thing, the place and the fix, on one line.
"""


class RingfenceError(Exception):
    """The work could not be done; the message says what, where and how to mend it."""


class PepperError(RingfenceError):
    """The pepper is missing, unreadable or belongs to another workspace."""


class LedgerError(RingfenceError):
    """A manifest or a segment is missing, damaged or from a newer version."""


class LayoutError(RingfenceError):
    """The layout of a workspace is damaged or from a newer version."""


class BackupError(RingfenceError):
    """An archive is damaged, incomplete or not what its list says."""


class BusyError(RingfenceError):
    """Another process is doing the same work in this workspace."""


class ReferenceDataError(RingfenceError):
    """A reference file (ranges, domains, prices) can't be read."""


class StoppedError(RingfenceError):
    """The user ended the work before it was done."""


class EngineError(RingfenceError):
    """The engine that links is not installed, lacks Java or gave up."""


class StoreError(RingfenceError):
    """The graph database can't be started, reached or refused the work."""


class UsageError(RingfenceError):
    """The call is wrong: an unknown name, a missing parameter."""
