// The waterfall of one trace as an ARIA tree grid. Only the rows in view are in the document, so
// that 10,000 spans scroll as 10 do. What comes from a span is set as text, never as markup.
// The words (FLAGS, CHIPS, duration, dollars …) stand in words.js, which is sent with this file.

const ROW_PX = 28; // as --row in waterfall.css
const SPARE_ROWS = 8; // drawn beyond either edge, so that scrolling shows no gap

const views = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let view = views.get(parentElement);
  if (!view || !view.root.isConnected) {
    view = new Waterfall(parentElement.querySelector(".waterfall"));
    views.set(parentElement, view);
  }
  view.onSelect = (key) => setStateValue("span", key);
  view.show(JSON.parse(new TextDecoder().decode(data)));
  return () => {
    view.resized.disconnect();
    views.delete(parentElement);
  };
}

class Waterfall {
  constructor(root) {
    this.root = root;
    this.scroller = root.querySelector("[role=treegrid]");
    this.axis = root.querySelector(".axis");
    this.body = root.querySelector(".body");
    this.legend = root.querySelector(".legend");
    this.drawn = new Map(); // index of span -> its row element
    this.scroller.onscroll = () => this.draw();
    this.scroller.onkeydown = (event) => this.onKey(event);
    this.body.onclick = (event) => this.onClick(event);
    root.querySelector(".expand").onclick = () => this.fold(() => false);
    root.querySelector(".collapse").onclick = () => this.fold((i) => this.spans.depth[i] > 0 || this.tops > 1);
    this.resized = new ResizeObserver(() => requestAnimationFrame(() => this.layOut()));
    this.resized.observe(this.scroller);
  }

  /** Draws `spans` (columns, one entry per span in display order); keeps folds and place if known. */
  show(spans) {
    const known = this.spans && this.spans.trace === spans.trace && this.spans.id.length === spans.id.length;
    const focus = String(spans.focus);
    this.spans = spans;
    this.tops = spans.depth.filter((depth) => depth === 0).length;
    if (!known) {
      this.folded = new Set();
      this.active = 0;
      this.selected = -1;
      this.scroller.scrollTop = 0;
    }
    this.drawLegend();
    this.refold();
    if (focus !== this.focus) {
      this.focus = focus;
      this.pick(spans.id.indexOf(spans.focus[0]));
    }
  }

  /** Marks the span at `index` and brings it into view, without telling Python. */
  pick(index) {
    if (index < 0) return;
    for (let i = this.parent(index); i >= 0; i = this.parent(i)) this.folded.delete(i);
    this.selected = index;
    this.refold();
    this.moveTo(this.visible.indexOf(index));
  }

  // --- the tree: spans stand in preorder, so depth alone tells parents and children

  has(i, flag) {
    return (this.spans.flags[i] & FLAGS[flag]) !== 0;
  }

  isParent(i) {
    return this.spans.depth[i + 1] > this.spans.depth[i];
  }

  parent(i) {
    const depth = this.spans.depth[i];
    let above = i - 1;
    while (above >= 0 && this.spans.depth[above] >= depth) above -= 1;
    return above;
  }

  fold(wanted) {
    const at = this.visible[this.active];
    this.folded = new Set([...this.spans.id.keys()].filter((i) => this.isParent(i) && wanted(i)));
    this.refold(at);
  }

  toggle(i) {
    if (!this.isParent(i)) return;
    if (!this.folded.delete(i)) this.folded.add(i);
    this.refold(i);
  }

  refold(at = this.visible?.[this.active] ?? 0) {
    const { depth } = this.spans;
    this.visible = [];
    for (let i = 0, hidden = Infinity; i < depth.length; i += 1) {
      if (depth[i] > hidden) continue;
      this.visible.push(i);
      hidden = this.folded.has(i) ? depth[i] : Infinity;
    }
    let kept = at;
    while (kept > 0 && !this.visible.includes(kept)) kept = this.parent(kept);
    this.active = Math.max(this.visible.indexOf(kept), 0);
    this.layOut();
  }

  // --- drawing

  layOut() {
    if (!this.visible) return;
    this.body.style.height = `${this.visible.length * ROW_PX}px`;
    this.scroller.setAttribute("aria-rowcount", this.visible.length + 1);
    this.drawAxis();
    this.drawn.clear();
    this.body.replaceChildren();
    this.draw();
  }

  draw() {
    const first = Math.max(Math.floor(this.scroller.scrollTop / ROW_PX) - SPARE_ROWS, 0);
    const count = Math.ceil(this.scroller.clientHeight / ROW_PX) + 2 * SPARE_ROWS;
    const wanted = this.visible.slice(first, first + count);
    const keep = new Set(wanted);
    for (const [i, row] of this.drawn) {
      if (keep.has(i)) continue;
      row.remove();
      this.drawn.delete(i);
    }
    wanted.forEach((i, offset) => {
      if (this.drawn.has(i)) return;
      const row = this.row(i, first + offset);
      this.drawn.set(i, row);
      this.body.append(row);
    });
    this.mark();
  }

  mark() {
    const active = this.visible[this.active];
    for (const [i, row] of this.drawn) {
      row.classList.toggle("active", i === active);
      row.setAttribute("aria-selected", i === this.selected);
    }
    this.scroller.setAttribute("aria-activedescendant", this.drawn.get(active)?.id ?? "");
  }

  row(i, place) {
    const s = this.spans;
    const name = element("div", "name", { role: "rowheader" });
    name.style.setProperty("--depth", s.depth[i]);
    const kind = s.kinds[s.kind[i]];
    name.append(element("span", "twist", { "aria-hidden": "true" }, this.isParent(i) ? (this.folded.has(i) ? "▸" : "▾") : ""));
    name.append(element("span", `kind ${kind}`, {}, CODES[kind]), element("span", "label", {}, s.names[s.name[i]]));
    for (const [flag, word, meaning] of CHIPS) {
      if (this.has(i, flag)) name.append(element("span", `chip ${flag}`, { title: meaning }, word));
    }
    const row = element("div", "row", { role: "row", id: `row-${i}`, "aria-level": s.depth[i] + 1, "aria-rowindex": place + 2, title: this.describe(i) });
    if (this.isParent(i)) row.setAttribute("aria-expanded", !this.folded.has(i));
    row.classList.toggle("critical", this.has(i, "critical"));
    row.classList.toggle("error", this.has(i, "error"));
    row.style.top = `${place * ROW_PX}px`;
    row.append(name, this.bar(i, kind));
    row.append(element("div", "number", { role: "gridcell" }, duration(s.duration[i])));
    row.append(element("div", "number share", { role: "gridcell" }, percent(s.share[i])));
    row.append(element("div", `number ${this.has(i, "unsummed") ? "unsummed" : ""}`, { role: "gridcell" }, this.cost(i)));
    row.append(element("div", "number share", { role: "gridcell" }, s.costShare[i] === null ? "" : percent(s.costShare[i])));
    return row;
  }

  bar(i, kind) {
    const s = this.spans;
    const track = element("div", "track", { role: "gridcell", "aria-label": `starts after ${duration(s.start[i])}` });
    const bar = element("div", `bar ${kind}`);
    bar.style.left = `${(100 * s.start[i]) / (s.total || 1)}%`;
    bar.style.width = `${(100 * s.duration[i]) / (s.total || 1)}%`;
    if (s.ttft[i] !== null && s.duration[i] > s.total / 100) {
      const tick = element("i", "ttft");
      tick.style.left = `${Math.min((100 * s.ttft[i]) / s.duration[i], 100)}%`;
      bar.append(tick);
    }
    track.append(bar);
    return track;
  }

  cost(i) {
    const source = this.spans.sources[this.spans.source[i]];
    if (this.spans.cost[i] === null) return source === "unpriced" ? "no price" : "";
    return `${source === "computed" ? "≈" : ""}${dollars(this.spans.cost[i])}`;
  }

  describe(i) {
    const s = this.spans;
    const lines = [
      `${s.names[s.name[i]]} (${s.kinds[s.kind[i]]})`,
      `starts ${duration(s.start[i])}, takes ${duration(s.duration[i])}, ${duration(s.self[i])} of it itself`,
    ];
    if (this.has(i, "critical")) lines.push(`on the critical path: the request waited ${duration(s.waited[i])} for it`);
    if (s.ttft[i] !== null) lines.push(`first token after ${duration(s.ttft[i])}`);
    const note = COST_NOTES[s.sources[s.source[i]]];
    if (note) lines.push(`cost ${this.cost(i)} (${note})`);
    if (this.has(i, "unsummed")) lines.push("not in the sum: it may repeat what its children cost");
    return lines.join("\n");
  }

  drawAxis() {
    const total = this.spans.total;
    const step = tickStep(total, Math.max(Math.floor(this.axis.clientWidth / 64), 1));
    this.axis.replaceChildren();
    for (let at = 0; total > 0 && at <= total; at += step) {
      const tick = element("span", at > 0.9 * total ? "tick last" : "tick", {}, at ? duration(at) : "0");
      tick.style.left = `${(100 * at) / total}%`;
      this.axis.append(tick);
    }
    this.root.style.setProperty("--step", total > 0 ? `${(100 * step) / total}%` : "100%");
  }

  drawLegend() {
    const s = this.spans;
    const entries = s.kinds.map((kind) => {
      const entry = element("span", "entry");
      entry.append(element("span", `kind ${kind}`, {}, CODES[kind]), kind);
      return entry;
    });
    const seen = (flag) => s.flags.some((flags) => flags & FLAGS[flag]);
    if (seen("critical")) entries.push(element("span", "entry path", {}, "critical path"));
    if (s.ttft.some((ms) => ms !== null)) entries.push(element("span", "entry first", {}, "first token"));
    if (s.sources.includes("computed")) entries.push(element("span", "entry", {}, "≈ computed from tokens"));
    this.legend.replaceChildren(...entries);
  }

  // --- hands

  onClick(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    const i = Number(row.id.slice(4));
    if (event.target.closest(".twist") && this.isParent(i)) this.toggle(i);
    else this.choose(this.visible.indexOf(i));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.visible[this.active];
    const page = Math.max(Math.floor(this.scroller.clientHeight / ROW_PX) - 2, 1);
    const open = this.isParent(at) && !this.folded.has(at);
    const moves = {
      ArrowDown: () => this.moveTo(this.active + 1),
      ArrowUp: () => this.moveTo(this.active - 1),
      PageDown: () => this.moveTo(this.active + page),
      PageUp: () => this.moveTo(this.active - page),
      Home: () => this.moveTo(0),
      End: () => this.moveTo(this.visible.length - 1),
      ArrowRight: () => (open ? this.moveTo(this.active + 1) : this.toggle(at)),
      ArrowLeft: () => (open ? this.toggle(at) : this.moveTo(this.visible.indexOf(this.parent(at)))),
      Enter: () => this.choose(this.active),
      " ": () => this.choose(this.active),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    moves[event.key]();
  }

  moveTo(place) {
    this.active = Math.min(Math.max(place, 0), this.visible.length - 1);
    const top = this.active * ROW_PX;
    const room = this.scroller.clientHeight - 2 * ROW_PX; // the header covers one row
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top > this.scroller.scrollTop + room) this.scroller.scrollTop = top - room;
    this.draw();
  }

  choose(place) {
    this.selected = this.visible[place];
    this.moveTo(place);
    this.onSelect(this.spans.id[this.selected]);
  }
}
