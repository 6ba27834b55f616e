"""`python -m fuzz.run SECONDS`: every target in turn, guided by coverage (Atheris).

Atheris ends a process by its own exit, so each target has a child. Inputs that found
new ways are kept in `fuzz/corpus`, an input that broke a target beside it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fuzz.targets import FILES, TEXTS

_CORPUS = Path(__file__).with_name("corpus")
_MOST_BYTES = 4096


def main(seconds: int) -> int:
    """Fuzz each target for so many seconds; the number of those that broke."""
    broken = 0
    targets = [*(f"file:{one}" for one in FILES), *(f"text:{one}" for one in TEXTS)]
    for target in targets:
        folder = _CORPUS / target.replace(":", "-").replace(".", "")
        folder.mkdir(parents=True, exist_ok=True)
        options = (f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}")
        prefix = f"-artifact_prefix={_CORPUS}/broke-{folder.name}-"
        command = (sys.executable, "-m", "fuzz.one", target, *options, prefix)
        done = subprocess.run([*command, str(folder)], check=False)  # noqa: S603
        broken += done.returncode != 0
    return broken


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
