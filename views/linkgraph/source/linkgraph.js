// The graph itself: owns the positions, asks Python (by events) for what is shown.
import cytoscape from "cytoscape";
import dagre from "cytoscape-dagre";
import fcose from "cytoscape-fcose";
import { difference, placeAround } from "./diff.js";
import { listenToKeys } from "./keyboard.js";
import { drawLegend } from "./legend.js";
import { LAYOUTS, runSeeded } from "./layout.js";
import { Memory } from "./memory.js";
import { frame, say, refreshTools } from "./frame.js";
import { stylesheet } from "./style.js";

cytoscape.use(fcose);
cytoscape.use(dagre);

const FIT = 28;
const CLOSEST = 1.7;
const REST = 200;

export class LinkGraph {
  constructor(root, data, component) {
    this.root = root;
    this.name = data.graph;
    this.component = component;
    this.data = data;
    this.step = data.step;
    this.memory = new Memory(data.graph);
    this.parts = frame(root, this);
    this.cy = cytoscape({
      container: this.parts.canvas,
      elements: [],
      style: this.dressed(),
      layout: { name: "preset" },
      maxZoom: 4,
      minZoom: 0.05,
      boxSelectionEnabled: true,
    });
    this.parts.canvas.ringfence = this;
    this.listen();
    listenToKeys(this);
    this.cy.one("render", () => this.painted());
    this.fill();
    this.after();
    this.differs(data);
  }

  // First drawing: remembered places, then those of the data, then near a neighbour.
  fill() {
    const { nodes, edges } = this.data;
    const places = this.placeNew(nodes.filter((n) => !this.placeOf(n.id)));
    this.cy.add([...nodes.map((n) => this.node(n, places.get(n.id))), ...edges.map((e) => this.edge(e))]);
    for (const id of this.memory.pinned(this.data.pinned)) this.cy.getElementById(id).lock();
    this.fit();
    this.memory.stepped();
    this.memory.keep(this.cy);
  }

  placeOf(id) {
    return this.memory.place(id) ?? this.data.positions?.[id];
  }

  node(data, position) {
    const place = this.placeOf(data.id);
    const at = place ? { x: place[0], y: place[1] } : position;
    return { group: "nodes", data: { ...data }, position: at };
  }

  edge(data) {
    return { group: "edges", data: { ...data } };
  }

  update(data, component) {
    this.component = component;
    if (!this.differs(data)) return;
    this.data = data;
    if (data.step !== this.step) this.memory.stepped();
    this.step = data.step;
    const change = difference(this.cy, data);
    this.cy.batch(() => {
      for (const id of change.gone) this.cy.getElementById(id).remove();
      for (const known of [...data.nodes, ...data.edges]) {
        const element = this.cy.getElementById(known.id);
        if (element.nonempty()) element.data(known);
      }
      const places = this.placeNew(change.newNodes);
      this.cy.add(change.newNodes.map((n) => this.node(n, places.get(n.id))));
      this.cy.add(change.newEdges.map((e) => this.edge(e)));
    });
    if (change.newNodes.length) {
      this.memory.keep(this.cy);
      this.show(change.newNodes.map((n) => n.id));
    }
    if (change.newNodes.length || change.gone.length) {
      say(this, `${change.newNodes.length} nodes added, ${change.goneNodes} taken away`);
    }
    this.after();
  }

  placeNew(nodes) {
    const taken = this.data.nodes.map((n) => this.whereIs(n.id)).filter(Boolean);
    return placeAround(nodes, this.data.edges, (id) => this.whereIs(id), taken);
  }

  // The page may run again with the same graph and theme.
  differs(data) {
    const before = this.drawn;
    this.drawn = JSON.stringify(data) + this.ink();
    return this.drawn !== before;
  }

  ink() {
    return getComputedStyle(this.parts.wrap).color;
  }

  dressed() {
    this.dress = this.ink();
    return stylesheet(this.parts.canvas, this.data.types);
  }

  // Brings new nodes into sight only when they fell outside it.
  show(ids) {
    const fresh = this.cy.collection(ids.map((id) => this.cy.getElementById(id)));
    const seen = this.cy.extent();
    const box = fresh.boundingBox();
    const out = box.x1 < seen.x1 || box.x2 > seen.x2 || box.y1 < seen.y1 || box.y2 > seen.y2;
    if (out) this.cy.animate({ fit: { eles: this.cy.elements(":visible"), padding: FIT }, duration: 200 });
  }

  whereIs(id) {
    const element = this.cy.getElementById(id);
    if (element.nonempty()) return element.position();
    // Not drawn yet, or a group that was opened: where it lies is known all the same.
    const place = this.placeOf(id);
    return place && { x: place[0], y: place[1] };
  }

  after() {
    if (this.dress !== this.ink()) this.cy.style(this.dressed());
    this.parts.wrap.style.height = `${this.data.height}px`;
    this.mark();
    drawLegend(this);
    refreshTools(this);
    this.parts.canvas.dataset.nodes = this.cy.nodes().length;
  }

  // The page draws what lies below only now, so that the graph need not wait for it.
  painted() {
    performance.mark("linkgraph painted");
    this.parts.canvas.dataset.ready = "true";
    this.component.setStateValue("painted", true);
  }

  // Classes that Python decides: outside the brushed time, on the path.
  mark() {
    const { dimmed = [], path = [] } = this.data;
    this.cy.batch(() => {
      this.cy.elements().removeClass("dim path");
      for (const id of dimmed) this.cy.getElementById(id).addClass("dim");
      const steps = path.map((id) => this.cy.getElementById(id));
      steps.forEach((step, n) => {
        step.removeClass("dim").addClass("path");
        if (n) step.edgesWith(steps[n - 1]).addClass("path");
      });
    });
  }

  listen() {
    const { cy } = this;
    cy.on("tap", "node", () => this.soon("select", () => ({ ids: this.selectedIds() })));
    cy.on("tap", "edge", (event) => this.soon("why", () => ({ id: event.target.id() })));
    cy.on("dbltap", "node", (event) => {
      clearTimeout(this.waiting);
      this.grow(event.target);
    });
    cy.on("grab", "node", () => (this.before = this.memory.snapshot(cy)));
    cy.on("dragfree", "node", () => this.memory.moved(cy, this.before));
    cy.on("mouseover", "node", (event) => this.dwell(event.target));
    cy.on("mouseout", "node", () => this.leave());
    cy.on("select unselect", () => refreshTools(this));
    this.watcher = new ResizeObserver(() => {
      const { clientWidth } = this.parts.canvas;
      if (!clientWidth) return;
      cy.resize();
      if (!this.width) this.fit();
      this.width = clientWidth;
    });
    this.watcher.observe(this.parts.canvas);
  }

  // What is near lights up where the mouse rests. Fading all the rest instead would
  // style every element anew, and delay the answer to a click.
  dwell(node) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.near = node.closedNeighborhood().addClass("near");
    }, REST);
  }

  leave() {
    clearTimeout(this.resting);
    this.near?.removeClass("near");
    this.near = undefined;
  }

  selectedIds() {
    return this.cy.nodes(":selected").map((n) => n.id()).slice(0, 50);
  }

  // One trigger for everything: several in one run would drop all but the last.
  tell(kind, more = {}) {
    this.count = (this.count ?? 0) + 1;
    this.component.setTriggerValue("event", { kind, at: Date.now(), count: this.count, ...more });
  }

  // The library selects after it has told of the tap. Its own `onetap` would wait a
  // quarter of a second for a second tap: a click must answer at once.
  soon(kind, more) {
    clearTimeout(this.waiting);
    clearTimeout(this.resting);
    this.waiting = setTimeout(() => this.tell(kind, more()));
  }

  grow(node) {
    this.tell(node.data("type") === "group" ? "open" : "expand", { id: node.id() });
  }

  growSelected() {
    const nodes = this.cy.nodes(":selected");
    if (nodes.length === 1) this.grow(nodes[0]);
  }

  onSelected(kind) {
    const ids = this.selectedIds();
    if (ids.length === 1) this.tell(kind, { id: ids[0] });
  }

  hideSelected() {
    const ids = this.selectedIds();
    if (ids.length) this.tell("hide", { ids });
  }

  askPath() {
    const ids = this.selectedIds();
    if (ids.length === 2) this.tell("path", { ids });
  }

  layout(name) {
    const before = this.memory.snapshot(this.cy);
    runSeeded(() => this.cy.layout({ ...LAYOUTS[name], animate: false }).run());
    this.fit();
    this.memory.moved(this.cy, before);
  }

  // Moves are undone here, steps (expand, hide, …) by Python: whichever came last.
  undo() {
    if (!this.memory.undo(this.cy)) this.tell("undo");
    refreshTools(this);
  }

  redo() {
    if (!this.memory.redo(this.cy)) this.tell("redo");
    refreshTools(this);
  }

  pin() {
    for (const node of this.cy.nodes(":selected")) {
      if (node.locked()) node.unlock();
      else node.lock();
      node.toggleClass("pinned", node.locked());
    }
    this.memory.keep(this.cy);
    refreshTools(this);
  }

  save() {
    this.tell("save", { positions: this.memory.snapshot(this.cy), pinned: this.memory.locked(this.cy) });
  }

  picture() {
    const background = getComputedStyle(this.parts.wrap).backgroundColor;
    const blob = this.cy.png({ full: true, scale: 2, bg: background, output: "blob" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "ringfence-cluster.png";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // Every node in sight, but a handful of them is not blown up to fill the frame.
  // Labels don't count: measuring hundreds of them takes longer than drawing the rest.
  fit() {
    const { clientWidth, clientHeight } = this.parts.canvas;
    const box = this.cy.nodes(":visible").boundingBox({ includeLabels: false });
    const across = (clientWidth - 2 * FIT) / (box.w || 1);
    const down = (clientHeight - 2 * FIT) / (box.h || 1);
    const zoom = Math.max(Math.min(across, down, CLOSEST), this.cy.minZoom());
    const x = clientWidth / 2 - (zoom * (box.x1 + box.x2)) / 2;
    const y = clientHeight / 2 - (zoom * (box.y1 + box.y2)) / 2;
    this.cy.viewport({ zoom, pan: { x, y } });
  }

  destroy() {
    clearTimeout(this.waiting);
    clearTimeout(this.resting);
    this.watcher.disconnect();
    this.cy.destroy();
    this.parts.wrap.remove();
  }
}
