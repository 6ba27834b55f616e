// What changed between the drawing and the new data, and where new nodes go.

/** The ids that went, and the nodes and edges that came. */
export function difference(cy, data) {
  const wanted = new Set([...data.nodes, ...data.edges].map((element) => element.id));
  const gone = cy.elements().filter((element) => !wanted.has(element.id()));
  const known = (element) => cy.getElementById(element.id).nonempty();
  return {
    gone: gone.map((element) => element.id()),
    goneNodes: gone.filter((element) => element.isNode()).length,
    newNodes: data.nodes.filter((node) => !known(node)),
    newEdges: data.edges.filter((edge) => !known(edge)),
  };
}

// The golden angle spreads any number of nodes evenly (a sunflower's seeds).
const GOLDEN = 2.399963;
const NEAR = 46;
const STEP = 17;

/** New nodes round the placed neighbour they hang on; nobody else moves. */
export function placeAround(newNodes, edges, whereIs) {
  const parents = new Map();
  const fresh = new Set(newNodes.map((node) => node.id));
  for (const { source, target } of edges) {
    if (fresh.has(source) && !parents.has(source) && whereIs(target)) parents.set(source, target);
    if (fresh.has(target) && !parents.has(target) && whereIs(source)) parents.set(target, source);
  }
  const seeds = new Map();
  const places = new Map();
  for (const { id } of newNodes) {
    const parent = parents.get(id) ?? "";
    const centre = whereIs(parent) ?? { x: 0, y: 0 };
    const seed = (seeds.get(parent) ?? 0) + 1;
    seeds.set(parent, seed);
    const angle = seed * GOLDEN;
    const radius = NEAR + STEP * Math.sqrt(seed);
    places.set(id, {
      x: centre.x + radius * Math.cos(angle),
      y: centre.y + radius * Math.sin(angle),
    });
  }
  return places;
}
