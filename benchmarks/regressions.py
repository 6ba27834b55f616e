"""Which ratios have become worse than the committed ones."""

from __future__ import annotations

from collections.abc import Mapping

# Half again: less is the noise of a shared machine.
_WORSE = 1.5


def regressions(now: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """One line for each ratio that is half again worse, or is not measured any more."""
    lines = []
    for name, kept in before.items():
        if name not in now:
            lines.append(f"{name}: was {kept:.3g}, is not measured any more")
        elif now[name] > _WORSE * kept:
            lines.append(f"{name}: was {kept:.3g}, is {now[name]:.3g}")
    return lines
