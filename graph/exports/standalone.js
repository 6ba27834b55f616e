"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
new vis.Network(
  document.getElementById("graph"),
  { nodes: new vis.DataSet(data.nodes), edges: new vis.DataSet(data.edges) },
  { physics: false, nodes: { shape: "dot", size: 12, font: { size: 18 } }, edges: { color: "#9a9a9a", smooth: false } },
);
