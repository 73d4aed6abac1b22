// The run of an agent: boxes in layers, from left to right where there is room, else downwards.
// What comes from a span is set as text, never as markup. duration, dollars and element stand in
// words.js of the waterfall, which is sent with this file.

const BOX = { width: 168, height: 48 };
const GAP = { along: 56, across: 18 };
const EDGE_PX = 46; // room beyond the boxes for the loops
const LABEL_LETTERS = 19;
const SVG = "http://www.w3.org/2000/svg";

const graphs = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let graph = graphs.get(parentElement);
  if (!graph || !graph.root.isConnected) {
    graph = new AgentGraph(parentElement.querySelector(".graph"));
    graphs.set(parentElement, graph);
  }
  graph.onSelect = (row) => setTriggerValue("row", row);
  graph.show(JSON.parse(new TextDecoder().decode(data)));
  return () => {
    graph.resized.disconnect();
    graphs.delete(parentElement);
  };
}

class AgentGraph {
  constructor(root) {
    this.root = root;
    this.width = 0;
    this.resized = new ResizeObserver(() => requestAnimationFrame(() => {
      if (this.data && Math.abs(root.clientWidth - this.width) > 1) this.draw();
    }));
    this.resized.observe(root);
  }

  show(data) {
    this.data = data;
    this.draw();
  }

  draw() {
    this.width = this.root.clientWidth;
    const { nodes, edges, layers } = this.data;
    const room = Math.max(this.width - EDGE_PX, BOX.width);
    this.sideways = layers.length * (BOX.width + GAP.along) - GAP.along <= this.width;
    const { spots, width, height } = this.sideways ? columns(layers) : lines(layers, room);
    const svg = made("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Graph of the agent's run" });
    svg.append(arrows());
    edges.forEach((edge) => svg.append(this.edge(edge, spots)));
    nodes.forEach((node, i) => svg.append(this.node(node, spots[i])));
    this.root.replaceChildren(svg);
  }

  node(node, spot) {
    const said = sentence(node);
    const box = made("g", { class: `node ${node.kind}${node.errors ? " failed" : ""}`, transform: `translate(${spot.x} ${spot.y})`, tabindex: 0, role: "button", "aria-label": `${node.label}: ${said}` });
    box.append(titled(`${node.label} (${node.kind})\n${said}\nPress to see ${node.errors ? "the first that failed" : "the first call"}`));
    box.append(made("rect", { class: "box", width: BOX.width, height: BOX.height, rx: 6 }));
    box.append(made("rect", { class: "edge", width: 4, height: BOX.height, rx: 2 }));
    const label = node.label.length > LABEL_LETTERS ? `${node.label.slice(0, LABEL_LETTERS - 1)}…` : node.label;
    box.append(text(label, { x: 12, y: 20, class: "label" }));
    box.append(text(CODES[node.kind], { x: BOX.width - 8, y: 20, class: "code" }));
    box.append(text(figures(node), { x: 12, y: 38, class: "figures" }));
    if (node.errors) box.append(text(`${node.errors} failed`, { x: BOX.width - 8, y: 38, class: "errors" }));
    box.onclick = () => this.onSelect(node.row);
    box.onkeydown = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.onSelect(node.row);
    };
    return box;
  }

  edge([source, target, count, begun, handoff, loop], spots) {
    const { path, middle } = this.route(spots[source], spots[target], loop);
    const kind = loop ? "loop" : handoff ? "handoff" : begun ? "begun" : "after";
    const group = made("g", { class: `link ${kind}` });
    const { nodes } = this.data;
    const word = begun ? "began" : handoff ? "handed over to" : "was followed by";
    group.append(titled(`${nodes[source].label} ${word} ${nodes[target].label}: ${count}×${loop ? ", a loop" : ""}`));
    group.append(made("path", { d: path, "marker-end": `url(#arrow-${loop ? "loop" : "plain"})` }));
    if (count > 1 || loop) group.append(text(`${count}×`, { x: middle.x, y: middle.y + 4, class: "count" }));
    return group;
  }

  route(from, to, loop) {
    const { width: w, height: h } = BOX;
    if (loop && this.sideways) {
      const reach = Math.min(24 + Math.abs(from.x - to.x) / 12, EDGE_PX - 8);
      const [x1, x2] = [from.x + w * (from === to ? 0.7 : 0.4), to.x + w * (from === to ? 0.3 : 0.6)];
      const low = Math.max(from.y, to.y) + h;
      return { path: `M${x1} ${from.y + h}C${x1} ${low + reach} ${x2} ${low + reach} ${x2} ${to.y + h + 3}`, middle: { x: (x1 + x2) / 2, y: low + reach * 0.72 } };
    }
    if (loop) {
      const reach = 34;
      const [y1, y2] = [from.y + h * (from === to ? 0.7 : 0.4), to.y + h * (from === to ? 0.3 : 0.6)];
      const far = Math.max(from.x, to.x) + w;
      return { path: `M${from.x + w} ${y1}C${far + reach} ${y1} ${far + reach} ${y2} ${to.x + w + 3} ${y2}`, middle: { x: far + reach * 0.72, y: (y1 + y2) / 2 } };
    }
    const [x1, y1, x2, y2] = this.sideways
      ? [from.x + w, from.y + h / 2, to.x - 3, to.y + h / 2]
      : [from.x + w / 2, from.y + h, to.x + w / 2, to.y - 3];
    const bend = (this.sideways ? x2 - x1 : y2 - y1) / 2;
    const curve = this.sideways ? `${x1 + bend} ${y1} ${x2 - bend} ${y2}` : `${x1} ${y1 + bend} ${x2} ${y2 - bend}`;
    return { path: `M${x1} ${y1}C${curve} ${x2} ${y2}`, middle: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 } };
  }
}

/** Layers as columns from left to right, each centred. */
function columns(layers) {
  const [wide, high] = [BOX.width + GAP.along, BOX.height + GAP.across];
  const most = Math.max(...layers.map((layer) => layer.length));
  const spots = [];
  layers.forEach((layer, column) => layer.forEach((node, place) => {
    spots[node] = { x: column * wide, y: 2 + ((most - layer.length) / 2 + place) * high };
  }));
  return { spots, width: layers.length * wide - GAP.along + 2, height: most * high - GAP.across + EDGE_PX };
}

/** Layers as lines downwards, a wide layer broken into several lines. */
function lines(layers, room) {
  const wide = BOX.width + GAP.across;
  const fit = Math.max(Math.floor((room + GAP.across) / wide), 1);
  const most = Math.min(Math.max(...layers.map((layer) => layer.length)), fit);
  const spots = [];
  let y = 2;
  for (const layer of layers) {
    for (let first = 0; first < layer.length; first += fit) {
      const line = layer.slice(first, first + fit);
      line.forEach((node, place) => { spots[node] = { x: 1 + ((most - line.length) / 2 + place) * wide, y }; });
      y += BOX.height + (first + fit < layer.length ? GAP.across : GAP.along * 0.6);
    }
  }
  return { spots, width: most * wide - GAP.across + EDGE_PX, height: y };
}

function figures(node) {
  const said = [`${node.calls}×`, duration(node.ms)];
  if (node.usd !== null && !node.errors) said.push(dollars(node.usd));
  return said.join(" · ");
}

function sentence(node) {
  const said = [node.calls === 1 ? "called once" : `called ${node.calls} times`, `${duration(node.ms)} in all`];
  if (node.usd !== null) said.push(dollars(node.usd));
  if (node.rounds) said.push(`went to a model ${node.rounds === 1 ? "once" : `${node.rounds} times`}`);
  if (node.atOnce > 1) said.push(`up to ${node.atOnce} at once`);
  said.push(node.errors ? `${node.errors} failed` : "none failed");
  return said.join(", ");
}

function arrows() {
  const defs = made("defs", {});
  for (const name of ["plain", "loop"]) {
    const marker = made("marker", { id: `arrow-${name}`, class: `arrow ${name}`, viewBox: "0 0 8 8", refX: 5, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" });
    marker.append(made("path", { d: "M0 0L8 4L0 8z" }));
    defs.append(marker);
  }
  return defs;
}

function made(tag, attributes) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  return found;
}

function text(said, attributes) {
  const found = made("text", attributes);
  found.textContent = said;
  return found;
}

function titled(said) {
  const found = made("title", {});
  found.textContent = said;
  return found;
}
