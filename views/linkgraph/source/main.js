// Streamlit calls this with the same parentElement on every rerun: the graph is made
// once and then only told what changed, so that nothing moves.
import { LinkGraph } from "./linkgraph.js";

const graphs = new WeakMap();

export default function mount(component) {
  const { data, parentElement } = component;
  let graph = graphs.get(parentElement);
  if (graph && graph.name !== data.graph) {
    graph.destroy();
    graph = undefined;
  }
  if (graph) {
    graph.update(data, component);
  } else {
    graph = new LinkGraph(parentElement, data, component);
    graphs.set(parentElement, graph);
  }
  return () => {
    requestAnimationFrame(() => {
      if (parentElement.isConnected) return;
      graph.destroy();
      graphs.delete(parentElement);
    });
  };
}
