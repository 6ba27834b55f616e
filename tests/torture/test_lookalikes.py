"""Look-alike addresses meet their model; honest ones of other scripts meet nobody."""

from __future__ import annotations

import random
import string
from itertools import combinations

import pyarrow as pa
import pytest
from confusable_homoglyphs import confusables

from ingest.identifiers.email import EmailNormaliser, _folded, skeleton
from ingest.reference import Reference
from ingest.workspace import Workspace

# Pairs of each sort; letters of Unicode's table that stand for a Latin one or a digit.
PAIRS = 200
LETTERS = 1_000
SEED = 11

_MODELS = (
    "paypal.support", "maria.gonzalez", "oleg.popov", "james.cooper", "peter.pascoe",
    "accounts.payable", "alice.cox", "sophia.roe", "oscar.palace", "joe.spicer",
)  # fmt: skip
_DOMAINS = ("company.example", "apple-pay.example", "post.example", "ocean.example")

# What stands for a letter: Cyrillic, Greek, full width, mathematical, digits.
_TWINS = {
    "a": "\u0430\uff41\U0001d41a", "c": "\u0441\u217d\uff43\u03f2\u1d04",
    "e": "\u0435\uff45", "o": "\u043e\u03bf0\uff4f", "p": "\u0440\uff50",
    "s": "\u0455\uff53", "i": "\u0456\uff49",
    "l": "1\uff4c", "y": "\u0443\uff59", "x": "\u0445\uff58",
}  # fmt: skip
_CYRILLIC = {"a": "\u0430", "c": "\u0441", "e": "\u0435", "o": "\u043e", "p": "\u0440"}

# Capitals that look like a letter whose small forms look like another one.
_TWO_FACED = frozenset(
    "s \u03b9\u03bd\u03c5\u01bd\u13b1\U000118c4\U000118c6\U000118d5\U000118dc"
)

_HONEST = (
    "\u0438\u0432\u0430\u043d", "\u043c\u0430\u0440\u0438\u044f",
    "\u0434\u043c\u0438\u0442\u0440\u0438\u0439", "\u0436\u0430\u043d\u043d\u0430",
    "\u044e\u043b\u0438\u044f", "\u03bd\u03af\u03ba\u03b7",
    "\u03b8\u03ac\u03bb\u03b5\u03b9\u03b1",
    "\u03b4\u03ae\u03bc\u03b7\u03c4\u03c1\u03b1",
    "\u738b\u82b3", "\u674e\u5a1c", "\u5f35\u5049", "\u4f50\u85e4\u5065",
    "\u9234\u6728\u611b", "\u3055\u304f\u3089", "\uae40\ubbfc\uc218",
    "\uc774\uc11c\uc5f0", "\u0645\u062d\u0645\u062f",
    "\u0641\u0627\u0637\u0645\u0629", "\u05d3\u05d5\u05d3", "\u05e9\u05e8\u05d4",
)  # fmt: skip


def _twin(model: str, draw: random.Random) -> str:
    """The model with one to three letters replaced by what looks like them."""
    places = [n for n, letter in enumerate(model) if letter in _TWINS]
    letters = list(model)
    for place in draw.sample(places, min(len(places), draw.randrange(1, 4))):
        letters[place] = draw.choice(_TWINS[letters[place]])
    return "".join(letters)


def _attacker_pairs() -> list[tuple[str, str]]:
    draw = random.Random(SEED)  # noqa: S311 - a seed, so that a failure comes again
    pairs: dict[tuple[str, str], None] = {}
    while len(pairs) < PAIRS:
        local, domain = draw.choice(_MODELS), draw.choice(_DOMAINS)
        if len(pairs) % 4 == 3:
            # The domain's first label in Cyrillic letters, where all have a twin.
            letter = draw.choice([n for n in domain[:5] if n in _CYRILLIC])
            pair = f"{local}@{domain.replace(letter, _CYRILLIC[letter], 1)}"
        else:
            pair = f"{_twin(local, draw)}@{domain}"
        pairs[f"{local}@{domain}", pair] = None
    return list(pairs)


def _honest_pairs() -> list[tuple[str, str]]:
    pairs = combinations(_HONEST, 2)
    domains = ("post.example", "\u043f\u043e\u0447\u0442\u0430.\u0440\u0444")
    made = [(f"{a}@{d}", f"{b}@{d}") for a, b in pairs for d in domains]
    return random.Random(SEED).sample(made, PAIRS)  # noqa: S311


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> EmailNormaliser:
    workspace = Workspace.open(tmp_path_factory.mktemp("lookalikes"))
    return EmailNormaliser(Reference.of(workspace))


def _skeletons(normalise: EmailNormaliser, texts: list[str]) -> list[object]:
    found: list[object] = normalise(pa.array(texts)).column("skeleton").to_pylist()
    return found


def test_attackers_meet_whom_they_imitate(forms: EmailNormaliser) -> None:
    pairs = _attacker_pairs()
    models = _skeletons(forms, [model for model, _ in pairs])
    twins = _skeletons(forms, [twin for _, twin in pairs])
    assert None not in models
    apart = [p for p, m, t in zip(pairs, models, twins, strict=True) if m != t]
    assert apart == []


def test_what_unicode_calls_confusable_meets_its_letter() -> None:
    likes = [
        (letter, like["c"])
        for letter in string.ascii_lowercase + string.digits
        for form in {letter, letter.upper()}
        for like in confusables.confusables_data[form]
        if len(like["c"]) == 1 and like["c"].isalnum() and not like["c"].isascii()
    ]
    assert len(likes) > LETTERS
    folded = {like: _folded(like) for _, like in likes}
    apart = {folded[n] for m, n in likes if skeleton(folded[n]) != skeleton(m)}
    assert {letter for text in apart for letter in text} <= _TWO_FACED


def test_honest_names_of_other_scripts_meet_nobody(forms: EmailNormaliser) -> None:
    pairs = _honest_pairs()
    ones = _skeletons(forms, [one for one, _ in pairs])
    others = _skeletons(forms, [other for _, other in pairs])
    assert None not in ones
    alike = [p for p, a, b in zip(pairs, ones, others, strict=True) if a == b]
    assert alike == []
