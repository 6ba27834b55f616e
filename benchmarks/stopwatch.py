"""Runs one command and writes what it took as JSON: `stopwatch.py FILE COMMAND …`.

A process of its own, because Linux starts a child's peak memory from that of the
process which forked it: the peaks under a large parent would all be the parent's.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(told: str, command: list[str]) -> None:
    """Run `command` to its end; the peak in megabytes is its own or a descendant's."""
    begun = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    figures = {
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "status": os.waitstatus_to_exitcode(status),
    }
    with open(told, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is larger
        json.dump(figures, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
