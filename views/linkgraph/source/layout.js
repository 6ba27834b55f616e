// The layouts a person may ask for; none runs by itself after the first drawing.

export const LAYOUTS = {
  force: {
    name: "fcose",
    quality: "default",
    randomize: true,
    // More than these change little that one sees, and take seconds from 300 nodes on.
    numIter: 500,
    nodeSeparation: 95,
    idealEdgeLength: 84,
    nodeRepulsion: 12000,
    packComponents: true,
  },
  rings: {
    name: "concentric",
    concentric: (node) => (node.data("type") === "account" ? 1 : 2 + node.degree()),
    levelWidth: () => 3,
    minNodeSpacing: 14,
  },
  layers: { name: "dagre", rankDir: "LR", nodeSep: 14, rankSep: 110 },
};

/** Run with a seeded Math.random, so that colleagues see the same picture. */
export function runSeeded(run) {
  const original = Math.random;
  let state = 0x9e3779b9;
  Math.random = () => {
    // mulberry32, public domain (Tommy Ettinger)
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  try {
    run();
  } finally {
    Math.random = original;
  }
}
