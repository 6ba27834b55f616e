"""The detectors, one module a case; this table is all that registers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graph.scene import Scene
from graph.typologies import disposable_signup, stolen_payment
from graph.typologies.evidence import Evidence

ACCOUNT_DETECTORS: Mapping[str, Callable[[Scene], list[Evidence]]] = {
    "disposable_signup": disposable_signup.detect,
    "stolen_payment": stolen_payment.detect,
}
