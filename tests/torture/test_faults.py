"""Faults of disk, database and clock: one clear line, or a run that goes on."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from graph import neo4j_local
from graph.access import Person
from graph.acts import Act, Subject
from graph.cases import Cases
from graph.detect import detect
from graph.publish import graph_hash, publish, run, stage
from graph.store import Address, Store
from ingest.errors import LedgerError
from ingest.ledger import Ledger
from ingest.manifest import Manifest
from ingest.workspace import Workspace
from tests.ingest.examples import BODIES, event
from tests.torture.children import Before, Done, ringfence
from tests.torture.conftest import PEPPER
from tests.torture.forms import forms

# Single bits flipped in the ledger's files; bytes after which its manifest is torn.
FLIPS_SHORT, FLIPS_LONG = 20, 1000
TEARS_SHORT, TEARS_LONG = 10, 200
SEED = 5

_EMPTY = "MATCH (n) DETACH DELETE n"
_NOBODY = 65_534
_SMALL = 2048
_IS_ROOT = os.geteuid() == 0


Meddle = Callable[[], None]


@dataclass(frozen=True)
class Base:
    """A workspace with a snapshot, more logs to take in, and what must come out."""

    workspace: Path
    more: Path

    def calls(self, out: Path) -> dict[str, tuple[str, ...]]:
        """Each command that writes."""
        return {
            "ingest": ("ingest", str(self.more)),
            "detect": ("detect", "--anew"),
            "export": ("export", "accounts", "--out", str(out / "accounts.csv")),
            "run": ("run", str(self.more), "--out", str(out), "--no-publish"),
        }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = tmp_path_factory.mktemp("faults")
    logs = []
    for part in range(2):
        events = (event(n, 10 * part + k) for n in BODIES for k in range(3))
        made = [one | {"event_id": f"{part} {n}"} for n, one in enumerate(events)]
        file = folder / f"{part}.ndjson"
        file.write_text("".join(json.dumps(one) + "\n" for one in made))
        logs.append(file)
    # Nobody's process, too, must be able to look for what it may not read.
    folder.chmod(0o755)
    workspace = Workspace.open(folder / "w")
    Ledger.open(workspace).ingest([logs[0]])
    detect(workspace)
    return Base(workspace.root, logs[1])


def _no_large_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_SMALL, _SMALL))


def _as_nobody() -> None:
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)


def _failing_disk() -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    setattr(os, "fsync", fail)  # noqa: B010 - its type is another's


FAULTS: dict[str, Before] = {
    "files may not grow": _no_large_files,
    "the folder is another's": _as_nobody,
    "the disk fails": _failing_disk,
}
# What each fault does not touch goes on as if it were not there.
_SPARED = {
    ("files may not grow", "export"),
    ("the disk fails", "detect"),
    ("the disk fails", "export"),
}
_SHORT = {
    ("files may not grow", "run"),
    ("the folder is another's", "ingest"),
    ("the disk fails", "ingest"),
}
_COMMANDS = ("ingest", "detect", "export", "run")


def _cells() -> Iterator[object]:
    for fault in FAULTS:
        for command in _COMMANDS:
            short = (fault, command) in _SHORT
            marks = () if short else (pytest.mark.torture,)
            yield pytest.param(fault, command, marks=marks)


def _assert_told(done: Done) -> None:
    # A place that can't be used at all counts as a wrong call.
    assert done.status in {1, 2}, done.said
    assert "Traceback" not in done.said
    told = [line for line in done.said.splitlines() if line.startswith("ringfence: ")]
    assert told == done.said.splitlines()[-1:]


def _copied(base: Base, folder: Path) -> Path:
    shutil.copytree(base.workspace, folder)
    return folder


def _state(workspace: Path) -> tuple[str, bytes]:
    """What the ledger and the newest snapshot hold."""
    opened = Workspace.open(workspace)
    return Ledger.open(opened).fingerprint, (
        opened.derived / "current.json"
    ).read_bytes()


@pytest.mark.parametrize(("fault", "command"), list(_cells()))
def test_a_fault_is_told_and_mended_by_the_next_run(
    base: Base, tmp_path: Path, fault: str, command: str
) -> None:
    if fault == "the folder is another's" and not _IS_ROOT:
        pytest.skip("only root can become somebody else")
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    out = tmp_path / "out"
    out.mkdir()
    call = base.calls(out)[command]
    assert ringfence(_copied(base, whole), *call).status == 0
    before = _state(_copied(base, broken))
    done = ringfence(broken, *call, before=FAULTS[fault])
    if (fault, command) in _SPARED:
        assert done.status == 0, done.said
    else:
        _assert_told(done)
        assert _state(broken)[0] in {before[0], _state(whole)[0]}
    again = ringfence(broken, *call)
    assert again.status == 0, again.said
    assert _state(broken) == _state(whole)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of half a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    if not _IS_ROOT or subprocess.run(options, check=False).returncode:
        pytest.skip("no right to mount a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_and_space_mends_it(
    base: Base, small_disk: Path, tmp_path: Path
) -> None:
    workspace = _copied(base, small_disk / "w")
    filler = small_disk / "filler"
    space = shutil.disk_usage(small_disk).free
    filler.write_bytes(b"x" * (space - 8192))
    _assert_told(ringfence(workspace, "ingest", str(base.more)))
    filler.unlink()
    assert ringfence(workspace, "ingest", str(base.more)).status == 0
    whole = _copied(base, tmp_path / "whole")
    assert ringfence(whole, "ingest", str(base.more)).status == 0
    assert _state(workspace) == _state(whole)


def test_a_disk_gone_read_only_is_told(base: Base, small_disk: Path) -> None:
    workspace = _copied(base, small_disk / "w")
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    for command in ("ingest", "detect"):
        _assert_told(ringfence(workspace, *base.calls(small_disk)[command]))


def test_an_input_that_fails_costs_itself_alone(base: Base, tmp_path: Path) -> None:
    workspace = _copied(base, tmp_path / "w")
    # The first page of no process is readable: reading it is an input/output error.
    done = ringfence(workspace, "ingest", "/proc/self/mem", str(base.more))
    assert done.status == 0, done.said
    counts = json.loads(done.out)
    assert (counts["quarantined"], counts["read"] - counts["accepted"]) == (1, 1)


def _read_all(workspace: Workspace) -> str:
    """Every row of the ledger as text."""
    with Ledger.open(workspace).connect() as connection:
        views = ("events", "identifiers", "quarantine")
        return str([connection.table(v).order("ALL").fetchall() for v in views])


@forms(TEARS_SHORT, TEARS_LONG)
def test_a_torn_manifest_is_told(cases: int, base: Base, tmp_path: Path) -> None:
    workspace = Workspace.open(_copied(base, tmp_path / "w"))
    manifest = workspace.ledger / "manifest.json"
    whole = manifest.read_bytes()
    draw = random.Random(SEED)  # noqa: S311 - a seed, so that a failure comes again
    for _ in range(cases):
        # The last byte ends the line: without it the manifest is still whole.
        manifest.write_bytes(whole[: draw.randrange(len(whole) - 1)])
        with pytest.raises(LedgerError, match="damaged"):
            Ledger.open(workspace)
    manifest.write_bytes(whole)
    _read_all(workspace)


@forms(FLIPS_SHORT, FLIPS_LONG)
def test_a_flipped_bit_is_told(cases: int, base: Base, tmp_path: Path) -> None:
    workspace = Workspace.open(_copied(base, tmp_path / "w"))
    names = [one.name for one in _manifest(workspace).segments]
    draw = random.Random(SEED)  # noqa: S311
    for _ in range(cases):
        segment = workspace.ledger / draw.choice(names)
        whole = segment.read_bytes()
        at = draw.randrange(8 * len(whole))
        torn = bytearray(whole)
        torn[at // 8] ^= 1 << (at % 8)
        segment.write_bytes(torn)
        with pytest.raises(LedgerError, match=segment.name):
            detect(workspace)
        segment.write_bytes(whole)
    detect(workspace)


def _manifest(workspace: Workspace) -> Manifest:
    found = Manifest.read(workspace.ledger)
    assert found is not None
    return found


def _taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


taken_port = pytest.fixture(_taken_port)


def test_a_database_that_is_down_is_told(base: Base, tmp_path: Path) -> None:
    gone = {"NEO4J_URI": "bolt://127.0.0.1:1", "NEO4J_PASSWORD": "not to be told"}
    done = ringfence(_copied(base, tmp_path / "w"), "publish", environment=gone)
    _assert_told(done)
    assert "127.0.0.1:1" in done.said
    assert "not to be told" not in done.said


@pytest.mark.neo4j
def test_a_wrong_password_is_told(
    base: Base, tmp_path: Path, neo4j_store: Store
) -> None:
    wrong = {"NEO4J_URI": neo4j_store.address.uri, "NEO4J_PASSWORD": "not to be told"}
    done = ringfence(_copied(base, tmp_path / "w"), "publish", environment=wrong)
    _assert_told(done)
    assert "NEO4J_PASSWORD" in done.said
    assert "not to be told" not in done.said


def test_a_taken_port_is_told(base: Base, tmp_path: Path, taken_port: int) -> None:
    secret = {"RINGFENCE_STRIPE_WEBHOOK_SECRET": "whsec_test"}
    call = ("webhook", "--port", str(taken_port))
    _assert_told(ringfence(tmp_path / "w", *call, environment=secret))
    page = ringfence(base.workspace, "ui", "--port", str(taken_port))
    assert page.status == 1
    assert str(taken_port) in page.out + page.said
    assert "Traceback" not in page.said


def _published_despite(
    base: Base, tmp_path: Path, store: Store, patch: pytest.MonkeyPatch, act: Meddle
) -> None:
    """Publish while `act` happens to the database, and hold the graph against one
    that was published in peace."""
    workspace = Workspace.open(_copied(base, tmp_path / "w"))
    snapshot = detect(workspace)
    store.run(_EMPTY, write=True)
    publish(workspace, snapshot, store)
    wanted = graph_hash(store)
    store.run(_EMPTY, write=True)
    for module in (run, stage):
        patch.setattr(module, "BATCH", 7)
    patch.setattr(run, "_write_batch", _meddling(act, at=3))
    publish(workspace, snapshot, store)
    assert graph_hash(store) == wanted


def _meddling(act: Meddle, at: int) -> Callable[..., None]:
    """`run._write_batch` that lets `act` happen before the batch `at`."""
    whole = run._write_batch

    def meddling(store: Store, todo: object, batch: int, *rest: object) -> None:
        if batch == at:
            act()
        whole(store, todo, batch, *rest)  # type: ignore[arg-type]

    return meddling


def test_a_database_killed_in_the_middle_is_started_again(
    base: Base, embedded_store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def kill() -> None:
        told = (embedded_store._workspace.database / "server.json").read_text()
        os.kill(json.loads(told)["pid"], signal.SIGKILL)

    _published_despite(base, tmp_path, embedded_store, monkeypatch, kill)


@pytest.mark.torture
@pytest.mark.neo4j
def test_a_server_restarted_in_the_middle_is_waited_for(
    base: Base, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = Workspace.open(tmp_path / "server")
    uri = neo4j_local.start(server, port=0)[0].partition("NEO4J_URI=")[2]
    password = (server.root / "neo4j" / "password").read_text()

    def restart() -> None:
        neo4j_local.stop(server)
        neo4j_local.start(server, port=int(uri.rpartition(":")[2]))

    try:
        address = Address(uri, "neo4j", password, "neo4j")
        with Store(Workspace.open(tmp_path / "client"), address) as store:
            _published_despite(base, tmp_path, store, monkeypatch, restart)
    finally:
        neo4j_local.stop(server)


NOON = datetime.fromisoformat("2026-05-01T12:00")
ANA = Person("ana", frozenset({"investigator"}))


def _decide(cases: Cases, version: int, verdict: str, at: datetime) -> None:
    subjects = (Subject("account", "a"),)
    cases.decide(Act("c", version, verdict, "other", subjects, "s"), ANA, at)


@pytest.mark.parametrize("jump", [-86_400, -3600, -1, 0, 3600, 86_400])
def test_a_clock_that_jumps_changes_no_mind(tmp_path: Path, jump: int) -> None:
    cases = Cases.open(Workspace.open(tmp_path), PEPPER.encode())
    _decide(cases, 0, "ban", NOON)
    _decide(cases, 1, "clear", NOON + timedelta(seconds=jump))
    in_force = cases.approved(NOON + timedelta(days=2))
    assert in_force["verdict"].tolist() == ["clear"]
    assert cases.verify() == []
    cases.close()


def test_two_runs_at_once_take_turns(base: Base, tmp_path: Path) -> None:
    workspace = Workspace.open(_copied(base, tmp_path / "w"))
    with workspace.lock("publish"):
        done = ringfence(workspace.root, "publish")
    _assert_told(done)
    assert "lock" in done.said
