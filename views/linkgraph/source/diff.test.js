// `npm test`: what needs no browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeAround } from "./diff.js";
import { runSeeded } from "./layout.js";

const at = { x: 100, y: 50 };
const whereIs = (id) => (id === "card:1" ? at : undefined);

test("new nodes lie round the neighbour they hang on, apart from each other", () => {
  const nodes = Array.from({ length: 80 }, (_, n) => ({ id: `account:${n}` }));
  const edges = nodes.map(({ id }) => ({ source: id, target: "card:1" }));
  const places = [...placeAround(nodes, edges, whereIs, [at]).values()];
  for (const [n, one] of places.entries()) {
    for (const other of places.slice(n + 1)) {
      assert.ok(Math.hypot(one.x - other.x, one.y - other.y) >= 34);
    }
  }
  const middle = places.reduce((sum, place) => sum + place.x, 0) / places.length;
  assert.ok(Math.abs(middle - at.x) < 40);
});

test("nobody is put on a seat that is taken", () => {
  const free = placeAround([{ id: "a" }], [{ source: "a", target: "card:1" }], whereIs).get("a");
  const moved = placeAround([{ id: "a" }], [{ source: "a", target: "card:1" }], whereIs, [free]).get("a");
  assert.ok(Math.hypot(free.x - moved.x, free.y - moved.y) >= 34);
});

test("a layout is the same for everyone, and chance is given back", () => {
  const original = Math.random;
  const draws = [];
  for (const _ of [1, 2]) runSeeded(() => draws.push([Math.random(), Math.random()].join()));
  assert.equal(draws[0], draws[1]);
  assert.equal(Math.random, original);
});
