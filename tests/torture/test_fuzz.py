"""Any bytes in any file, any text in any identifier: nothing raises, all is counted.

The same targets are fuzzed by coverage in `fuzz/` (`make fuzz`).
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.targets import FILES, TEXTS, take_files, take_text
from tests.torture.forms import forms

# Batches of ten files for each parser; lists of up to 25 texts for each normaliser.
FILES_SHORT, FILES_LONG = 5, 200
TEXTS_SHORT, TEXTS_LONG = 30, 1_000

_TOKENS = (
    b"event_id", b"account.created", b"2026-01-01T00:00:00Z", b'{"', b'":', b'"}', b"[",
    b"]", b",", b"\n", b"\r\n", b'"', b"\\u0000", b"\xef\xbb\xbf", b"\x1f\x8b", b"PAR1",
    b"null", b"1e999", b"\xff\xfe", b"\x00", b";", b"\t",
)  # fmt: skip
_bytes = st.lists(st.sampled_from(_TOKENS) | st.binary(max_size=12), max_size=40)
_batches = st.lists(_bytes, min_size=10, max_size=10)
_texts = st.text() | st.text(st.sampled_from("a0.@:+-%/[]*\u0430\u202e\x00 "))
_CHECKS = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@forms(FILES_SHORT, FILES_LONG)
@pytest.mark.parametrize("ending", FILES)
def test_any_file_is_read_or_refused(cases: int, ending: str) -> None:
    @settings(max_examples=cases, deadline=None, suppress_health_check=_CHECKS)
    @given(batch=_batches)
    def taken(batch: list[list[bytes]]) -> None:
        take_files(ending, [b"".join(parts) for parts in batch])

    taken()


@forms(TEXTS_SHORT, TEXTS_LONG)
@pytest.mark.parametrize("kind", TEXTS)
def test_any_text_is_normalised_and_stays_so(cases: int, kind: str) -> None:
    @settings(max_examples=cases, deadline=None, suppress_health_check=_CHECKS)
    @given(texts=st.lists(_texts, min_size=1, max_size=25))
    def taken(texts: list[str]) -> None:
        take_text(kind, texts)

    taken()


@pytest.mark.parametrize(("kind", "text"), [("phone", "{{o00oo22222222222222o0o0{~b")])
def test_what_once_broke_a_normaliser(kind: str, text: str) -> None:
    take_text(kind, [text])
