"""The investigators' page in a real Chromium, beside pyvis in an iframe.

Run as `python -m benchmarks.page WORKSPACE TIMES` over a workspace in which detection
has run. Prints one JSON line: for each piece of work the seconds by the clock and of
the processor (server and browser together) of each time.

- queue: from the request of a new session to the server's last message, caches warm,
  over a socket without a browser.
- cluster: from the navigation to the drawn link graph, in a browser that has nothing.
- opened: the same from the release of the mouse on a button within the page.
- click: from the release of the mouse on a node to what it is, in words, beside it.
- pyvis: the same nodes and edges from the navigation to the end of its layout, in an
  iframe of a bare page (without Streamlit, which favours it). A click brings nothing
  back from there, so it has no answer to measure.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, WebSocket
from pyvis.network import Network
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Origin
from websockets.sync.client import connect

from graph.dossier import Dossier
from graph.dossier.picture import Picture, Steps, picture
from ingest.workspace import Workspace
from tests.views.browser import FIND, PATIENCE, Watched, chromium, server, watch

# The largest clusters; of them the one with the fullest picture is opened.
_LARGEST = """
    SELECT cluster_id FROM clusters WHERE action <> 'none'
    ORDER BY accounts DESC, cluster_id LIMIT 12
"""

# Resolves with the milliseconds from the next release of the mouse to a heading.
_ANSWER = """
(label) => {
  window.answer = new Promise((resolve) => {
    let begun;
    const told = () =>
      [...document.querySelectorAll("h3")].some((h) => h.textContent.trim() === label);
    new MutationObserver((_, observer) => {
      if (begun === undefined || !told()) return;
      observer.disconnect();
      resolve(performance.now() - begun);
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
    document.addEventListener(
      "mouseup", () => (begun = performance.now()), { capture: true, once: true });
  });
}
"""

# Places on the screen of single nodes that no other node covers.
_NODES = """
() => {
  const canvas = (FIND)();
  const { cy } = canvas.ringfence;
  const box = canvas.getBoundingClientRect();
  const at = (node) => node.renderedPosition();
  const apart = (one) => cy.nodes().every((other) => one === other
    || Math.hypot(at(one).x - at(other).x, at(one).y - at(other).y) > 14);
  return cy.nodes('[type!="group"]').filter(apart).map((node) =>
    [node.data("label"), box.x + at(node).x, box.y + at(node).y]);
}
""".replace("FIND", FIND)

# When the graph was first painted, in milliseconds since the navigation.
_PAINTED = "() => performance.getEntriesByName('linkgraph painted')[0].startTime"

_BEGUN = """
() => document.addEventListener(
  "mouseup", () => (window.begun = performance.now()), { capture: true, once: true })
"""

# Notes when vis.js, in whichever frame, has ended its first layout.
_SETTLED = """
const waiting = setInterval(() => {
  if (!window.network?.on) return;
  clearInterval(waiting);
  window.network.on("stabilizationIterationsDone", () =>
    (window.settled = performance.timeOrigin + performance.now()));
}, 5);
"""


@dataclass
class Taken:
    """Seconds by the clock and of the processor, one a time."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


def used() -> dict[int, float]:
    """Processor seconds of each process that this one has started and still runs."""
    seconds: dict[int, float] = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds[process.pid] = times.user + times.system
    return seconds


def since(before: Mapping[int, float]) -> float:
    """Processor seconds since then of the processes that still run."""
    return sum(spent - before.get(pid, 0.0) for pid, spent in used().items())


def queue(address: str, times: int) -> Taken:
    """The queue in new sessions, after one that filled the caches."""
    taken = Taken()
    for turn in range(times + 1):
        before = used()
        spent = _session(address)
        if turn:
            taken.seconds.append(spent)
            taken.cpu_seconds.append(since(before))
    return taken


def _session(address: str) -> float:
    """Seconds that the server takes for the first run of a new session."""
    asked = BackMsg(rerun_script=ClientState()).SerializeToString()
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    with connect(stream, origin=Origin(address), max_size=None) as socket:
        begun, told = time.perf_counter(), ""
        socket.send(asked)
        while told != "script_finished":
            message = ForwardMsg.FromString(socket.recv(PATIENCE / 1000, decode=False))
            told = str(message.WhichOneof("type"))
        return time.perf_counter() - begun


def fullest(workspace: Path) -> tuple[str, Picture]:
    """The cluster whose picture has most nodes, and that picture."""
    dossier = Dossier.open(Workspace.open(workspace))
    dossier.index()
    names = dossier.ask(_LARGEST)["cluster_id"].tolist()
    pictures = [(name, picture(dossier, name, Steps())) for name in names]
    return max(pictures, key=lambda pair: (len(pair[1].nodes), pair[0]))


def first_load(browser: Browser, address: str) -> float:
    """Kilobytes of data that the queue's first load brings."""
    context = browser.new_context()
    page, sizes = context.new_page(), list[int]()

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: sizes.append(len(frame)))

    page.on("websocket", listen)
    seen = watch(page)
    seen.open(address)
    page.get_by_test_id("stDataFrame").first.wait_for(timeout=PATIENCE)
    seen.settle()
    context.close()
    return sum(sizes) / 1000


def clusters(browser: Browser, address: str, name: str, times: int) -> dict[str, Taken]:
    """Until the graph is drawn, each time in a new browser profile; clicks on it."""
    first, drawn, opened, answered = Taken(), Taken(), Taken(), Taken()
    for turn in range(times + 1):
        # The first time fills the server's caches.
        for way, taken in ((by_address, drawn), (by_button, opened)):
            context = browser.new_context(viewport={"width": 1440, "height": 1000})
            seen = watch(context.new_page())
            way(seen, address, name, taken if turn else first)
            if turn == times and way is by_address:
                seen.settle()
                click(seen.page, times, answered)
            context.close()
    return {"cluster": drawn, "opened": opened, "click": answered}


def by_address(seen: Watched, address: str, name: str, taken: Taken) -> None:
    """Go to the cluster and wait for the graph."""
    before = used()
    seen.page.goto(f"{address}/cluster?cluster={name}")
    seen.graph()
    taken.seconds.append(float(seen.page.evaluate(_PAINTED)) / 1000)
    taken.cpu_seconds.append(since(before))


def by_button(seen: Watched, address: str, name: str, taken: Taken) -> None:
    """Open the cluster from within the page and wait for the graph."""
    seen.open(f"{address}/cluster")
    box = seen.page.get_by_label("Cluster").last
    box.fill(name)
    box.press("Enter")
    seen.settle()
    seen.page.evaluate(_BEGUN)
    before = used()
    seen.page.get_by_role("button", name="Open").last.click()
    seen.graph()
    begun = float(seen.page.evaluate("() => window.begun"))
    taken.seconds.append((float(seen.page.evaluate(_PAINTED)) - begun) / 1000)
    taken.cpu_seconds.append(since(before))


def click(page: Page, times: int, taken: Taken) -> None:
    """From the click to the answer for some nodes, every one clicked once."""
    places = {label: (x, y) for label, x, y in page.evaluate(_NODES)}
    step = max(1, len(places) // times)
    for label, (x, y) in list(places.items())[::step][:times]:
        page.evaluate(_ANSWER, label)
        before = used()
        page.mouse.click(x, y)
        taken.seconds.append(float(page.evaluate("() => window.answer")) / 1000)
        taken.cpu_seconds.append(since(before))
        page.wait_for_timeout(400)


def pyvis(browser: Browser, pictured: Picture, times: int) -> Taken:
    """Until pyvis has laid the same picture out."""
    network = Network(cdn_resources="in_line")
    for node in pictured.nodes.itertuples():
        network.add_node(node.id, label=str(node.label))
    for edge in pictured.edges.itertuples():
        network.add_edge(edge.source, edge.target)
    taken = Taken()
    with TemporaryDirectory(prefix="ringfence-") as folder:
        Path(folder, "graph.html").write_text(network.generate_html())
        host = Path(folder, "host.html")
        host.write_text('<iframe src="graph.html" width="1000" height="700"></iframe>')
        for _ in range(times):
            _settle(browser, host.as_uri(), taken)
    return taken


def _settle(browser: Browser, address: str, taken: Taken) -> None:
    before = used()
    context = browser.new_context(offline=True)
    context.add_init_script(_SETTLED)
    page = context.new_page()
    page.goto(address)
    frame = page.frames[1]
    frame.wait_for_function("() => window.settled", timeout=5 * PATIENCE)
    begun = float(page.evaluate("() => performance.timeOrigin"))
    ended = float(frame.evaluate("() => window.settled"))
    taken.seconds.append((ended - begun) / 1000)
    taken.cpu_seconds.append(since(before))
    context.close()


def main(workspace: Path, times: int) -> None:
    """Measure all and print it."""
    name, pictured = fullest(workspace)
    works: dict[str, Taken] = {}
    with chromium() as browser:
        with server(workspace) as address:
            works["queue"] = queue(address, times)
            load = first_load(browser, address)
            works |= clusters(browser, address, name, times)
        works["pyvis"] = pyvis(browser, pictured, times)
    told = {
        "nodes": len(pictured.nodes),
        "first_load_kb": load,
        "works": {work: asdict(taken) for work, taken in works.items()},
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
