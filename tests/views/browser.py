"""A real Chromium on a real server: what the browser tests stand on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Dialog, Page, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000

# Finds the graph's canvas through the component's shadow roots.
FIND = """
() => {
  const look = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.ringfence) return element;
      const inside = element.shadowRoot && look(element.shadowRoot);
      if (inside) return inside;
    }
  };
  return look(document);
}
"""


@contextmanager
def server(
    workspace: Path, roles: str = "", database: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The page on a free port of the loopback, for one person; gives its address.

    `database` holds the environment that names the graph database.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"RINGFENCE_WORKSPACE": str(workspace)}
    environment |= dict(database or {})
    if roles:
        file = workspace / f"roles-{port}.toml"
        file.write_text(roles)
        environment["RINGFENCE_ROLES"] = str(file)
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _wait(address: str) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(f"{address} does not answer")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium with a profile of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A browser page, and what it did that it must not."""

    page: Page
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def refuse(self, dialog: Dialog) -> None:
        """Note a dialog that a script opened, and close it."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, address: str) -> None:
        """Go there and wait until the page stands still."""
        self.page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Wait until no part is being computed or loaded."""
        self.page.wait_for_timeout(500)
        self.page.wait_for_function(
            "() => document.querySelector('h1') && "
            "!document.querySelector('[data-testid=\"stSkeleton\"]') && "
            "!document.querySelector('[data-testid=\"stStatusWidget\"]')",
            timeout=PATIENCE,
        )
        self.page.wait_for_timeout(500)

    def press(self, name: str) -> None:
        """Click the button of that name and wait."""
        self.page.get_by_role("button", name=name).first.click(timeout=PATIENCE)
        self.settle()

    def press_key(self, key: str) -> None:
        """Click the button whose widget key is `key` and wait."""
        self.page.locator(f".st-key-{key} button").first.click(timeout=PATIENCE)
        self.settle()

    def says(self, text: str) -> None:
        """Wait until the page shows `text`."""
        self.page.get_by_text(text).first.wait_for(timeout=PATIENCE)

    def graph(self) -> dict[str, list[float]]:
        """Wait for the graph; id of each node to its place in the layout."""
        self.page.wait_for_function(
            f"() => ({FIND})()?.dataset.ready === 'true'", timeout=PATIENCE
        )
        places: dict[str, list[float]] = self.page.evaluate(
            f"() => ({FIND})().ringfence.memory.snapshot(({FIND})().ringfence.cy)"
        )
        return places

    def grown(self, before: int) -> dict[str, list[float]]:
        """Wait for a graph of more nodes than `before`."""
        self.page.wait_for_function(
            f"(before) => ({FIND})()?.ringfence.cy.nodes().length > before",
            arg=before,
            timeout=PATIENCE,
        )
        return self.graph()

    def middle_of(self, selector: str) -> tuple[float, float]:
        """Where on the screen the first node or edge of a selector lies."""
        x, y = self.page.evaluate(
            """(selector) => {
              const canvas = (FIND)();
              const found = canvas.ringfence.cy.$(selector)[0];
              const at = found.isNode()
                ? found.renderedPosition() : found.renderedMidpoint();
              const box = canvas.getBoundingClientRect();
              return [box.x + at.x, box.y + at.y];
            }""".replace("FIND", FIND),
            selector,
        )
        return x, y


def watch(page: Page) -> Watched:
    """Note requests beyond the loopback, dialogs and errors of a page."""
    seen = Watched(page)
    own = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
    page.on(
        "request",
        lambda r: None if r.url.startswith(own) else seen.outside.append(r.url),
    )
    page.on("dialog", seen.refuse)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    return seen
