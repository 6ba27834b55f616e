"""Alerts: signed, told once, told again only after a crash and under the same id."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from graph.alerts import alerts, tell
from graph.derived import Snapshot
from graph.detect import detect
from ingest.ledger import Ledger
from ingest.workspace import Workspace
from tests.ingest.sources import company

NOW = datetime.fromisoformat("2025-04-01T12:00")
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, str]]]]:
    taken: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            taken.append(
                {k.lower(): v for k, v in self.headers.items()} | {"body": body}
            )
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", taken
        server.shutdown()


def _snapshot(folder: Path) -> Snapshot:
    records = folder / "records"
    records.mkdir()
    company.write(records)
    workspace = Workspace.open(folder / "workspace")
    Ledger.open(workspace).ingest([records])
    return detect(workspace)


def test_a_case_and_an_exposed_key_in_use_are_told_once(
    tmp_path: Path, receiver: tuple[str, list[dict[str, str]]]
) -> None:
    url, taken = receiver
    found = alerts(_snapshot(tmp_path))
    assert {message.kind for message in found} == {"case.new", "key.exposed_and_used"}
    told = tmp_path / "told.json"
    assert tell(found, told, url, SECRET, NOW) == len(found)
    assert tell(found, told, url, SECRET, NOW) == 0
    assert len(taken) == len(found)
    assert all("webhook-signature" in delivery for delivery in taken)
    told.unlink()
    assert tell(found, told, url, SECRET, NOW) == len(found)
    ids = [delivery["webhook-id"] for delivery in taken]
    assert len(set(ids)) == len(found)
    assert company.RAW_KEY not in json.dumps(taken)
