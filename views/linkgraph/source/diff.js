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
const APART = 34;
const MOST_TRIES = 400;

/**
 * New nodes round the placed neighbour they hang on, or where their group was, on
 * seeds that nobody sits on; nobody else moves.
 */
export function placeAround(newNodes, edges, whereIs, taken = []) {
  const parents = parentsOf(newNodes, edges, whereIs);
  const occupied = [...taken];
  const seeds = new Map();
  const places = new Map();
  for (const { id, group } of newNodes) {
    const parent = group && whereIs(group) ? group : (parents.get(id) ?? "");
    const centre = whereIs(parent) ?? { x: 0, y: 0 };
    let seed = seeds.get(parent) ?? 0;
    let place;
    do {
      seed += 1;
      const radius = NEAR + STEP * Math.sqrt(seed);
      place = {
        x: centre.x + radius * Math.cos(seed * GOLDEN),
        y: centre.y + radius * Math.sin(seed * GOLDEN),
      };
    } while (seed % MOST_TRIES && occupied.some((other) => near(other, place)));
    seeds.set(parent, seed);
    occupied.push(place);
    places.set(id, place);
  }
  return places;
}

function near(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y) < APART;
}

function parentsOf(newNodes, edges, whereIs) {
  const fresh = new Set(newNodes.map((node) => node.id));
  const parents = new Map();
  for (const { source, target } of edges) {
    if (fresh.has(source) && !parents.has(source) && whereIs(target)) parents.set(source, target);
    if (fresh.has(target) && !parents.has(target) && whereIs(source)) parents.set(target, source);
  }
  return parents;
}
