// Builds frontend/ from source/: `npm ci && npm run build`.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const BUNDLED = ["cytoscape", "cytoscape-dagre", "cytoscape-fcose", "cose-base", "layout-base"];

await build({
  entryPoints: ["source/main.js"],
  outfile: "frontend/linkgraph.js",
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2022",
  legalComments: "none",
  banner: { js: "/* Ringfence link graph, Apache-2.0; bundled libraries: see LICENSES.txt */" },
});

await build({
  entryPoints: ["source/linkgraph.css"],
  outfile: "frontend/linkgraph.css",
  minify: true,
});

const licences = BUNDLED.map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync("frontend/LICENSES.txt", licences.join(`\n${"-".repeat(72)}\n\n`));

// What the bundle was made of; a test compares it with the sources as they are.
const made = [...readdirSync("source").sort().map((name) => `source/${name}`), "package-lock.json"]
  .filter((path) => !path.endsWith(".test.js"))
  .map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${path}\n`);
writeFileSync("frontend/SOURCES.sha256", made.join(""));
