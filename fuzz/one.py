"""`python -m fuzz.one TARGET OPTIONS…`: one target, with libFuzzer's options."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ingest"]):
    from fuzz.targets import take_files, take_text


def main(target: str, options: list[str]) -> None:
    """Fuzz `file:ENDING` or `text:KIND` until libFuzzer is done."""
    form, _, name = target.partition(":")

    def one(data: bytes) -> None:
        if form == "file":
            take_files(name, [data])
        else:
            take_text(name, [data.decode("utf-8", "replace")])

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
