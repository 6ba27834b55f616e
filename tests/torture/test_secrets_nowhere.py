"""Raw keys, tokens and card numbers through every door: no byte of them stays."""

from __future__ import annotations

import gzip
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from graph.access import Person
from graph.acts import Act, Subject
from graph.audit import Entry
from graph.cases import Cases
from graph.derived import Snapshot
from graph.publish import publish
from graph.store import Store
from ingest.contract import EVENT_TYPES, FIELDS, Kind
from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.ingest.examples import event
from tests.ingest.sources.test_sources_hostile import DATA
from tests.torture.children import ringfence
from tests.torture.conftest import PEPPER

# Secrets, each through every door, on both databases.
SECRETS_SHORT, SECRETS_LONG = 10, 50
KEYS, CARDS, TOKENS = 30, 15, 5

_EMPTY = "MATCH (n) DETACH DELETE n"
_MADE = (
    ("sk-ant-api03-{}AA", 90),
    ("sk-proj-{}", 60),
    ("sk_live_{}", 32),
    ("AIza{}", 35),
    ("gsk_{}", 52),
    ("ghp_{}", 36),
    ("hf_{}", 34),
    ("xai-{}", 80),
    ("npm_{}", 36),
    ("whsec_{}", 32),
)
_AROUND = ("{}", "see {} there", "https://x.example/v1?key={}&b=1", '{{"k": "{}"}}')
NOON = datetime.fromisoformat("2026-06-02T12:00")
ANA = Person("ana", frozenset({"investigator"}))
BEN = Person("ben", frozenset({"approver"}))


def _seeded() -> list[str]:
    draw = random.Random(50)  # noqa: S311 - made secrets, the same each time
    letters = string.ascii_letters + string.digits

    def text(size: int) -> str:
        return "".join(draw.choices(letters, k=size))

    def card() -> str:
        digits = "4" + "".join(draw.choices(string.digits, k=14))
        return next(digits + str(n) for n in range(10) if _luhn(digits + str(n)))

    keys = [_MADE[n % len(_MADE)] for n in range(KEYS)]
    return [
        *(shape.format(text(size)) for shape, size in keys),
        *(card() for _ in range(CARDS)),
        *(
            f"eyJ{text(40)}.eyJ{text(60)}.{text(43)}"
            for _ in range(SECRETS_LONG - KEYS - CARDS)
        ),
    ]


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


SECRETS = _seeded()


@dataclass(frozen=True)
class Soaked:
    """A workspace that took in secrets, and all that was said and written of it."""

    workspace: Workspace
    held: list[object]
    secrets: list[str]


def _events(secrets: list[str]) -> Iterator[str]:
    """Every text field of every type, unknown fields, names of fields, bad lines."""
    number = 0
    for kind in EVENT_TYPES:
        for field in kind.fields:
            if FIELDS[field] is Kind.TEXT and field not in {"type", *kind.choices}:
                for secret in secrets:
                    number += 1
                    text = _AROUND[number % len(_AROUND)].format(secret)
                    changes = {field: text, "unheard_of": secret, secret: "x"}
                    yield json.dumps(event(kind.name, number, **changes))
    for secret in secrets:
        number += 1
        yield f'{{"broken": "{secret}'
        yield f"{secret} alone"
        yield json.dumps({"event_id": "b", "type": secret, "occurred_at": secret})
        yield json.dumps(event("credit.granted", number, amount_usd=secret))
        yield json.dumps(event("session.started", number, mfa=secret, ip=secret))


def _reports(folder: Path, secrets: list[str]) -> list[tuple[str, Path]]:
    """Leak reports and logs of other systems that hold our secrets."""
    made = []
    for at, name in enumerate(("gitleaks", "trufflehog", "github_partner", "access")):
        found = next(path for path in DATA.glob(f"{name}.json*"))
        text = found.read_text()
        # A card number beside other digits is another number, and no secret.
        for secret in (one for one in secrets if not one.isdigit()):
            for sample in ("sk-1234", "sk-5678", "curl/", "/v1/"):
                text += found.read_text().replace(sample, secret)
            if found.suffix == ".json":
                break
        path = folder / f"{at}-{found.name}"
        path.write_text(text)
        made.append((name.split("_")[0], path))
    return made


def _texts(value: object) -> Iterator[str]:
    """What a file holds, unpacked."""
    if isinstance(value, Path):
        data = value.read_bytes()
        yield data.decode("latin-1")
        yield str(value)
        if data.startswith(b"PAR1"):
            yield json.dumps(pq.read_table(value).to_pylist(), default=str)
        elif data.startswith(b"\x1f\x8b"):
            yield gzip.decompress(data).decode("latin-1")
    else:
        yield str(value)


def _assert_none(held: list[object], secrets: list[str]) -> None:
    whole = "\0".join(text for one in held for text in _texts(one))
    assert [secret for secret in secrets if secret in whole] == []


def _files(folder: Path) -> list[object]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.fixture(
    scope="module",
    params=[SECRETS_SHORT, pytest.param(SECRETS_LONG, marks=pytest.mark.torture)],
)
def soaked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Soaked:
    """A workspace that took in the secrets by the command."""
    secrets = SECRETS[:: SECRETS_LONG // request.param]
    folder = tmp_path_factory.mktemp("secrets")
    workspace, temporary, out = (folder / name for name in ("w", "tmp", "out"))
    temporary.mkdir()
    out.mkdir()
    calls: list[tuple[str, ...]] = [("ingest", str(_inputs(folder / "in", secrets)))]
    for source, path in _reports(folder, secrets):
        calls.append(("ingest", str(path), "--source", source))
    calls.append(("detect",))
    for table in ("accounts", "clusters", "keys", "tenants"):
        files = (out / f"{table}.{ending}" for ending in ("csv", "jsonl", "parquet"))
        calls += [("export", table, "--out", str(file)) for file in files]
    said: list[object] = []
    for call in calls:
        done = ringfence(workspace, *call, environment={"TMPDIR": str(temporary)})
        assert done.status == 0, done.said
        said += [done.out, done.said]
    held = [*said, *_files(out), *_files(temporary), *_files(workspace)]
    return Soaked(Workspace.open(workspace), held, secrets)


def _inputs(folder: Path, secrets: list[str]) -> Path:
    """The events as JSON lines, CSV and Parquet."""
    folder.mkdir()
    lines = list(_events(secrets))
    (folder / "events.ndjson").write_text("".join(f"{line}\n" for line in lines))
    rows = [json.loads(line) for line in lines if line.startswith('{"event_id"')]
    frame = pd.DataFrame(rows).astype("string")
    frame.to_csv(folder / "events.csv", index=False)
    frame.to_parquet(folder / "events.parquet")
    return folder


def test_no_file_log_or_export_holds_one(soaked: Soaked) -> None:
    with Ledger.open(soaked.workspace).connect() as connection:
        read = connection.execute("SELECT count(*) FROM events").fetchall()[0][0]
    assert read > 500
    _assert_none(soaked.held, soaked.secrets)


def test_no_database_holds_one(soaked: Soaked, store: Store) -> None:
    store.run(_EMPTY, write=True)
    publish(soaked.workspace, Snapshot.current(soaked.workspace), store)
    nodes = store.run("MATCH (n) RETURN n AS n")
    ties = store.run("MATCH ()-[r]->() RETURN r AS r")
    assert len(nodes) > 100
    _assert_none([nodes, ties, *_files(store._workspace.root)], soaked.secrets)


def test_what_people_write_is_cleaned_too(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    cases = Cases.open(workspace, PEPPER.encode())
    for number, secret in enumerate(SECRETS):
        subjects = (Subject("account", f"a-{number}"),)
        case = f"account:a-{number}"
        act = Act(case, 0, "ban", "other", subjects, "s", note=f"had {secret}")
        outcome = cases.decide(act, ANA, NOON)
        cases.note(case, f"wrote {secret} to us", ANA, NOON)
        typed = f"MATCH (n {{k: '{secret}'}})"
        cases.record(Entry(NOON, "ana", "cypher", typed, {}), ANA)
        cases.undo(list(outcome.decision_ids), BEN, NOON, f"not {secret}")
        with cases.reading() as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert cases.verify() == []
    cases.close()
    _assert_none(_files(tmp_path), SECRETS)
