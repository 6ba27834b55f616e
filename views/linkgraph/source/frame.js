// The parts around the canvas, built of elements and text nodes only: no HTML of data.

const TOOLS = [
  [
    ["force", "Force", "Lay out by attraction", (graph) => graph.layout("force")],
    ["rings", "Rings", "Lay out in rings, most shared in the middle", (graph) => graph.layout("rings")],
    ["layers", "Layers", "Lay out in layers", (graph) => graph.layout("layers")],
  ],
  [
    ["undo", "↶", "Undo (U)", (graph) => graph.undo()],
    ["redo", "↷", "Redo (Shift+U)", (graph) => graph.redo()],
  ],
  [
    ["expand", "Expand", "Draw the neighbours of the selected node (E)", (graph) => graph.growSelected()],
    ["collapse", "Collapse", "Take away what hangs on the selected node alone (K)", (graph) => graph.onSelected("collapse")],
    ["hide", "Hide", "Take the selected nodes away (H)", (graph) => graph.hideSelected()],
    ["pin", "Pin", "Hold the selected nodes in place (P)", (graph) => graph.pin()],
    ["path", "Path", "Find the way between two selected nodes (W)", (graph) => graph.askPath()],
  ],
  [
    ["fit", "Fit", "Show everything (F)", (graph) => graph.fit()],
    ["png", "PNG", "Download the picture", (graph) => graph.picture()],
    ["save", "Save", "Keep this view for colleagues", (graph) => graph.save()],
  ],
];

const KEYS =
  "Link graph. Arrow keys move between linked nodes, Enter selects, E expands, K collapses, " +
  "H hides, P pins, W finds the way between two selected nodes, U undoes, F fits, plus and minus zoom. " +
  "The tab Table holds the same rows.";

/** Build the frame inside `root` and return its parts. */
export function frame(root, graph) {
  const wrap = make("div", { className: "wrap" });
  const bar = make("div", { className: "bar" });
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Graph tools");
  const tools = {};
  for (const group of TOOLS) {
    const box = make("span", { className: "tools" });
    for (const [name, text, title, act] of group) {
      tools[name] = button(text, title, () => act(graph));
      box.append(tools[name]);
    }
    bar.append(box);
  }
  const canvas = make("div", { className: "canvas", tabIndex: 0 });
  // The stylesheet may come after the first drawing, which needs to know its place.
  canvas.style.position = "relative";
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", KEYS);
  const legend = make("div", { className: "legend" });
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Legend; each button shows or hides its type");
  const live = make("div", { className: "live" });
  live.setAttribute("aria-live", "polite");
  const notice = make("div", { className: "notice" });
  wrap.append(bar, canvas, notice, legend, live);
  root.append(wrap);
  return { wrap, bar, canvas, legend, live, notice, tools };
}

/** What the live region reads aloud. */
export function say(graph, text) {
  graph.parts.live.textContent = text;
}

/** Tools are live only where they can do something. */
export function refreshTools(graph) {
  const { tools, notice } = graph.parts;
  const nodes = graph.cy.nodes(":selected");
  const one = nodes.length === 1;
  tools.expand.disabled = !one;
  tools.collapse.disabled = !one;
  tools.hide.disabled = nodes.empty();
  tools.pin.disabled = nodes.empty();
  tools.pin.setAttribute("aria-pressed", String(nodes.nonempty() && nodes.every((n) => n.locked())));
  tools.path.disabled = nodes.length !== 2;
  tools.undo.disabled = !graph.memory.past.length && !graph.data.undo;
  tools.redo.disabled = !graph.memory.future.length && !graph.data.redo;
  notice.textContent = graph.data.notice ?? "";
}

export function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

export function button(text, title, act) {
  const made = make("button", { type: "button", title, onclick: act });
  made.setAttribute("aria-label", title);
  made.append(document.createTextNode(text));
  return made;
}
