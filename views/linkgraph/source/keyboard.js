// Everything the mouse can do, by keys; each handled key stays in the graph, because
// Streamlit and the page bind single letters too.
import { say } from "./frame.js";

const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const ACTIONS = {
  e: (graph) => graph.growSelected(),
  k: (graph) => graph.onSelected("collapse"),
  h: (graph) => graph.hideSelected(),
  delete: (graph) => graph.hideSelected(),
  p: (graph) => graph.pin(),
  w: (graph) => graph.askPath(),
  u: (graph) => graph.undo(),
  f: (graph) => graph.fit(),
  "+": (graph) => zoom(graph, 1.25),
  "-": (graph) => zoom(graph, 0.8),
};

export function listenToKeys(graph) {
  graph.parts.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (act(graph, event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
}

function act(graph, event) {
  const key = event.key.toLowerCase();
  if (event.key in DIRECTIONS) return walk(graph, DIRECTIONS[event.key]);
  if (key === "enter" || key === " ") return choose(graph, event.shiftKey);
  if (key === "u" && event.shiftKey) return graph.redo() ?? true;
  if (!(key in ACTIONS)) return false;
  ACTIONS[key](graph);
  return true;
}

function current(graph) {
  const { cy, at } = graph;
  if (at && cy.getElementById(at).nonempty()) return cy.getElementById(at);
  const selected = cy.nodes(":selected");
  return selected.nonempty() ? selected[0] : undefined;
}

function walk(graph, [dx, dy]) {
  const from = current(graph);
  if (!from) {
    const best = graph.cy.nodes(":visible").max((node) => node.degree());
    if (best.ele) land(graph, best.ele);
    return true;
  }
  const cosine = (node) => {
    const x = node.position().x - from.position().x;
    const y = node.position().y - from.position().y;
    return (x * dx + y * dy) / (Math.hypot(x, y) || 1);
  };
  const next = from.neighborhood("node:visible").max(cosine);
  if (next.ele) land(graph, next.ele);
  return true;
}

function land(graph, node) {
  graph.cy.nodes().removeClass("cursor");
  node.addClass("cursor");
  graph.at = node.id();
  graph.cy.center(node);
  const links = node.degree();
  const role = node.data("role") ? `, ${node.data("role")}` : "";
  say(graph, `${node.data("type")} ${node.data("label")}${role}, ${links} links`);
}

function choose(graph, adding) {
  const node = current(graph);
  if (!node) return true;
  if (!adding) graph.cy.elements(":selected").unselect();
  node.select();
  graph.tell("select", { ids: graph.selectedIds() });
  return true;
}

function zoom(graph, factor) {
  const { clientWidth, clientHeight } = graph.parts.canvas;
  const level = graph.cy.zoom() * factor;
  graph.cy.zoom({ level, renderedPosition: { x: clientWidth / 2, y: clientHeight / 2 } });
}
