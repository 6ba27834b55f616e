"""What the disk, the engine or the case file reports, as one line that names a fix."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from ingest.errors import RingfenceError, StoppedError

P = ParamSpec("P")
R = TypeVar("R")

_FIXES = {
    errno.ENOSPC: "free some space, then run this again",
    errno.EDQUOT: "free some space, then run this again",
    errno.EFBIG: "raise the limit on file sizes, then run this again",
    errno.EROFS: "make it writable, or name another --workspace",
    errno.EACCES: "make it yours (chown, chmod), or name another --workspace",
    errno.EPERM: "make it yours (chown, chmod), or name another --workspace",
    errno.EIO: "the disk is failing: copy it, then run `ringfence check`",
    errno.EMFILE: "raise the limit on open files (ulimit -n), then run this again",
}

# Which errors of which library tell of a disk, a damaged file or a lack of memory, and
# what to do; the library's other errors are bugs of ours.
_OF_LIBRARIES = (
    (
        "duckdb",
        ("OutOfMemoryException",),
        "raise RINGFENCE_MEMORY (2GB by default), or free space where it spills",
    ),
    (
        "duckdb",
        (
            "IOException",
            "InvalidInputException",
            "SerializationException",
            "FatalException",
            "InternalException",
        ),
        "free space or memory, then run `ringfence check`",
    ),
    ("pyarrow", ("ArrowInvalid",), "run `ringfence check`, which names damaged files"),
    (
        "sqlalchemy.exc",
        ("OperationalError", "DatabaseError"),
        "see that the case file can be written, then run `ringfence check`",
    ),
)


def stoppable(command: Callable[P, R]) -> Callable[P, R]:
    """Let Ctrl-C end a command with one line, as any other reason not to go on.

    What a command writes counts only once it is whole, so nothing has to be undone.
    """

    @wraps(command)
    def stopping(*given: P.args, **named: P.kwargs) -> R:
        try:
            return command(*given, **named)
        except KeyboardInterrupt:
            raise StoppedError(
                "stopped; all that was finished stays: run the same again to go on"
            ) from None

    return stopping


def explain(error: Exception) -> str | None:
    """Give the line for an error that no bug of this program caused, else None."""
    if isinstance(error, RingfenceError):
        return str(error)
    if isinstance(error, OSError):
        return _of_disk(error)
    if isinstance(error, MemoryError):
        return "memory ran out: lower RINGFENCE_MEMORY, or close other programs"
    for module, names, fix in _OF_LIBRARIES:
        if _is(error, module, names):
            return f"{_first_line(error)}: {fix}"
    return None


def _of_disk(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    said = error.strerror or _first_line(error)
    fix = _FIXES.get(error.errno or 0)
    return f"{place}{said}" + (f"; {fix}" if fix else "")


def _is(error: Exception, module: str, names: tuple[str, ...]) -> bool:
    """Whether an error is of a library, which is not imported for that."""
    known = sys.modules.get(module)
    kinds = tuple(getattr(known, name) for name in names if hasattr(known, name))
    return isinstance(error, kinds)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
