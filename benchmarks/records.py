"""Records of people with errors in them: which ones are the same person?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sharing import Ints, Sharing, gather

_PERSON = r"^(rec-\d+)-"


@dataclass(frozen=True)
class RecordSet:
    """A file of records and the fields whose joint values identify a person.

    `identifiers` gives each kind of identifier the columns that make it up.
    """

    name: str
    files: tuple[str, ...]
    identifiers: dict[str, tuple[str, ...]]


_FEBRL = {
    "document": ("soc_sec_id",),
    "name_dob": ("given_name", "surname", "date_of_birth"),
    "home": ("surname", "street_number", "postcode"),
}
SETS: tuple[RecordSet, ...] = (
    RecordSet(
        "fake_1000",
        ("fake_1000.csv",),
        {
            "email": ("email",),
            "name_dob": ("first_name", "surname", "dob"),
            "surname_dob": ("surname", "dob"),
        },
    ),
    RecordSet("febrl3", ("febrl_dataset3.csv",), _FEBRL),
    RecordSet("febrl4", ("febrl_dataset4a.csv", "febrl_dataset4b.csv"), _FEBRL),
    RecordSet(
        "historical_50k",
        ("historical_figures_with_errors_50k.parquet",),
        {
            "name_dob": ("first_and_surname", "dob"),
            "surname_postcode": ("surname", "postcode_fake"),
            "dob_postcode": ("dob", "postcode_fake"),
        },
    ),
)


def load(folder: Path, records: RecordSet) -> tuple[Sharing, Ints]:
    """The records of one set as accounts that share identifiers, and who each is.

    The files know no creation time: each record gets a moment of one year at
    random (seeded), as strangers who sign up would.
    """
    frame = pd.concat(
        [_read(folder / name) for name in records.files], ignore_index=True
    )
    dice = np.random.default_rng(1)
    created = dice.uniform(0, 365 * 86400.0, len(frame))
    shown = [
        _shown(frame, kind, columns) for kind, columns in records.identifiers.items()
    ]
    person, _ = pd.factorize(frame["person"], sort=True)
    return gather(pd.concat(shown), created), person.astype(np.int64)


def _read(path: Path) -> pd.DataFrame:
    frame = _READERS[path.suffix](path)
    frame.columns = frame.columns.str.strip()
    for column in frame:
        text = frame[column].str.strip()
        frame[column] = text.mask(text == "")
    if "rec_id" in frame:
        return frame.assign(person=frame["rec_id"].str.extract(_PERSON)[0])
    return frame.assign(person=frame["cluster"])


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pd.read_csv(path, dtype="str"),
    ".parquet": lambda path: pd.read_parquet(path).astype("str"),
}


def _shown(frame: pd.DataFrame, kind: str, columns: tuple[str, ...]) -> pd.DataFrame:
    known = frame[list(columns)].dropna()
    value = known.iloc[:, 0].str.cat(known.iloc[:, 1:], sep="\x1f")
    return pd.DataFrame(
        {"account": known.index.to_numpy(), "kind": kind, "identifier": value}
    )
