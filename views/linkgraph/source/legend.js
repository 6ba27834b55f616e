// The legend names what is drawn, counts it, and filters by type.
import { button, make } from "./frame.js";

export function drawLegend(graph) {
  const { legend } = graph.parts;
  const hidden = graph.memory.hiddenTypes();
  legend.replaceChildren();
  for (const type of graph.data.types) {
    const drawn = graph.cy.nodes().filter((node) => node.data("type") === type.name);
    if (drawn.empty()) continue;
    const shown = !hidden.has(type.name);
    drawn.toggleClass("away", !shown);
    const entry = button(` ${type.title} ${drawn.length}`, `Show or hide: ${type.title}`, () => {
      if (shown) hidden.add(type.name);
      else hidden.delete(type.name);
      graph.memory.hideTypes(hidden);
      drawLegend(graph);
    });
    entry.setAttribute("aria-pressed", String(shown));
    const swatch = make("span", { className: `swatch ${type.shape}` });
    swatch.style.background = type.colour;
    entry.prepend(swatch);
    legend.append(entry);
  }
  for (const [className, text] of MARKS) {
    const key = make("span", { className: "key" });
    key.append(make("span", { className }), document.createTextNode(text));
    legend.append(key);
  }
}

const MARKS = [
  ["ring core", "core"],
  ["ring likely", "likely"],
  ["ring bystander", "bystander"],
  ["ring paying", "pays"],
  ["line links", "links"],
  ["line context", "context"],
];
