// Where nodes lie: kept for this browser tab, so that a refresh changes nothing.

const round = (value) => Math.round(value * 10) / 10;

export class Memory {
  constructor(name) {
    this.key = `ringfence:${name}`;
    this.past = [];
    this.future = [];
    this.kept = read(this.key);
  }

  place(id) {
    return this.kept.places[id];
  }

  pinned(fallback = []) {
    return this.kept.pinned ?? fallback;
  }

  hiddenTypes() {
    return new Set(this.kept.hiddenTypes ?? []);
  }

  hideTypes(types) {
    this.kept.hiddenTypes = [...types];
    this.write();
  }

  snapshot(cy) {
    const at = (node) => [node.id(), [round(node.position().x), round(node.position().y)]];
    return Object.fromEntries(cy.nodes().map(at));
  }

  locked(cy) {
    return cy.nodes(":locked").map((node) => node.id());
  }

  keep(cy) {
    this.kept.places = { ...this.kept.places, ...this.snapshot(cy) };
    this.kept.pinned = this.locked(cy);
    this.write();
  }

  /** A move by hand or by a layout, which undo takes back. */
  moved(cy, before) {
    this.past.push(before);
    this.future = [];
    this.keep(cy);
  }

  // A step that Python took is newer than any move: undo it there first.
  stepped() {
    this.past = [];
    this.future = [];
  }

  undo(cy) {
    return this.travel(cy, this.past, this.future);
  }

  redo(cy) {
    return this.travel(cy, this.future, this.past);
  }

  travel(cy, from, to) {
    const places = from.pop();
    if (!places) return false;
    to.push(this.snapshot(cy));
    for (const [id, [x, y]] of Object.entries(places)) {
      cy.getElementById(id).position({ x, y });
    }
    this.keep(cy);
    return true;
  }

  write() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(this.kept));
    } catch {
      // A full or forbidden storage costs the memory of places, nothing else.
    }
  }
}

function read(key) {
  try {
    return { places: {}, ...JSON.parse(sessionStorage.getItem(key) ?? "{}") };
  } catch {
    return { places: {} };
  }
}
