// How nodes look: colour, shape and icon each tell the type alone.

const GLYPHS = {
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0 2c-4 0-8 2-8 5v1h16v-1c0-3-4-5-8-5Z",
  key: "M7 14a4 4 0 1 1 3.9-5H21v3h-2v3h-3v-3h-5.1A4 4 0 0 1 7 14Z",
  ip: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm-1 2.1V11H4.1A8 8 0 0 1 11 4.1ZM4.1 13H11v6.9A8 8 0 0 1 4.1 13Zm8.9 6.9V13h6.9a8 8 0 0 1-6.9 6.9ZM13 11V4.1a8 8 0 0 1 6.9 6.9H13Z",
  device: "M4 4h16v11H4V4Zm2 2v7h12V6H6ZM2 17h20v2H2v-2Z",
  card: "M2 5h20v14H2V5Zm0 3v3h20V8H2Zm3 6v2h6v-2H5Z",
  email: "M2 5h20v14H2V5Zm2.5 2L12 12.5 19.5 7h-15ZM4 8.7V17h16V8.7l-8 5.8-8-5.8Z",
  phone: "M6 2h4l2 5-2.5 2a12 12 0 0 0 5.5 5.5L17 12l5 2v4c0 2-2 4-4 4C9 21 3 15 2 6c0-2 2-4 4-4Z",
  tenant: "M4 3h10v18H4V3Zm12 6h5v12h-5V9ZM6 6v2h2V6H6Zm4 0v2h2V6h-2Zm-4 4v2h2v-2H6Zm4 0v2h2v-2h-2Zm-4 4v2h2v-2H6Zm4 0v2h2v-2h-2Z",
  prompt: "M3 4h18v12H9l-5 5v-5H3V4Zm4 4v2h10V8H7Zm0 3v2h7v-2H7Z",
  referral: "M3 10h18v11H3V10Zm8-3H8a2.5 2.5 0 1 1 4-3 2.5 2.5 0 1 1 4 3h-3v14h-2V7Z",
  identifier: "M5 4h14v16H5V4Zm3 4v2h8V8H8Zm0 5v2h8v-2H8Z",
};

const picture = (body) =>
  `data:image/svg+xml;utf8,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">${body}</svg>`,
  )}`;

const icon = (name, ink) => picture(`<path fill="${ink}" d="${GLYPHS[name] ?? GLYPHS.identifier}"/>`);

// Only ever a whole number, so the drawing can't be broken by data.
const number = (count) =>
  picture(
    `<text x="12" y="16.5" font-size="12" font-family="sans-serif" font-weight="700" text-anchor="middle" fill="#fff">${Math.trunc(Number(count)) || 0}</text>`,
  );

const COIN = picture('<circle cx="12" cy="12" r="11" fill="#009E73" stroke="#fff" stroke-width="2"/><text x="12" y="17" font-size="15" font-family="sans-serif" font-weight="700" text-anchor="middle" fill="#fff">$</text>');

export function stylesheet(canvas, types) {
  const theme = getComputedStyle(canvas);
  const read = (name, fallback) => theme.getPropertyValue(name).trim() || fallback;
  const ink = read("--st-text-color", "#1f2933");
  const paper = read("--st-background-color", "#ffffff");
  return [
    ...base(ink, paper),
    ...types.map((type) => ofType(type)),
    ...groups(),
    ...roles(ink),
    ...states(ink, read("--st-primary-color", "#0072B2")),
  ];
}

function base(ink, paper) {
  return [
    {
      selector: "node",
      style: {
        label: "data(label)",
        "font-size": 9,
        color: ink,
        "text-outline-color": paper,
        "text-outline-width": 2,
        "text-valign": "bottom",
        "text-margin-y": 4,
        "text-wrap": "ellipsis",
        "text-max-width": 70,
        "min-zoomed-font-size": 7,
        width: 26,
        height: 26,
        "border-width": 1.5,
        "border-color": "#33404d",
      },
    },
    {
      selector: "edge",
      style: { width: 1, "line-color": "#8a95a1", "curve-style": "haystack", "line-style": "dashed", opacity: 0.4 },
    },
    {
      selector: "edge[?links]",
      style: { "line-style": "solid", opacity: 0.75, width: "mapData(weight, 0, 12, 1, 3)" },
    },
  ];
}

function ofType({ name, colour, shape, ink }) {
  return {
    selector: `node[type="${name}"]`,
    style: {
      "background-color": colour,
      shape,
      "background-image": icon(name, ink),
      "background-fit": "none",
      "background-width": "58%",
      "background-height": "58%",
    },
  };
}

function groups() {
  return [
    {
      selector: 'node[type="group"]',
      style: {
        width: "mapData(count, 2, 200, 34, 78)",
        height: "mapData(count, 2, 200, 34, 78)",
        "background-image": (node) => number(node.data("count")),
        "background-fit": "contain",
        "background-width": "100%",
        "background-height": "100%",
        "border-style": "double",
        "border-width": 4,
      },
    },
    {
      selector: "node[?hub]",
      style: {
        label: (node) => `${node.data("label")} ×${node.data("count")}`,
        "border-style": "dashed",
        "border-width": 3,
        "border-color": "#D55E00",
      },
    },
  ];
}

function roles(ink) {
  return [
    { selector: 'node[role="core"]', style: { "border-width": 3.5, "border-color": "#D55E00" } },
    { selector: 'node[role="likely"]', style: { "border-width": 2.5, "border-color": "#E69F00" } },
    { selector: 'node[role="bystander"]', style: { "background-opacity": 0.45, "border-style": "dotted" } },
    { selector: 'node[type="account"][!inside]', style: { "background-opacity": 0.25, "border-color": ink } },
    {
      selector: 'node[type="account"][?paying]',
      style: {
        "background-image": [icon("account", "#fff"), COIN],
        "background-fit": ["none", "none"],
        "background-width": ["58%", "52%"],
        "background-height": ["58%", "52%"],
        "background-position-x": ["50%", "125%"],
        "background-position-y": ["50%", "-25%"],
        "background-clip": ["node", "none"],
        "background-image-containment": ["inside", "over"],
        "bounds-expansion": 6,
      },
    },
  ];
}

function states(ink, primary) {
  return [
    { selector: "node:locked", style: { "underlay-color": ink, "underlay-opacity": 0.18, "underlay-padding": 4 } },
    { selector: ".away", style: { display: "none" } },
    { selector: "node.near", style: { "overlay-color": primary, "overlay-opacity": 0.14, "overlay-padding": 4 } },
    { selector: "edge.near", style: { "line-color": primary, opacity: 1 } },
    { selector: ".dim", style: { opacity: 0.12 } },
    { selector: "node.path", style: { "outline-width": 3, "outline-color": primary, "outline-offset": 2 } },
    { selector: "edge.path", style: { "line-color": primary, width: 4, opacity: 1, "line-style": "solid" } },
    { selector: "node:selected", style: { "overlay-color": primary, "overlay-opacity": 0.3, "overlay-padding": 6 } },
    { selector: "edge:selected", style: { "line-color": primary, opacity: 1, width: 4 } },
    { selector: ".cursor", style: { "outline-width": 3, "outline-color": ink, "outline-offset": 3 } },
  ];
}
