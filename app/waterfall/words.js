// How the waterfall says things: marks, codes, durations, dollars, shares. Sent with waterfall.js
// as one module, so nothing is exported here.

const FLAGS = { error: 1, critical: 2, orphan: 4, cyclic: 8, skewed: 16, slowest: 32, dearest: 64, unsummed: 128 };
const CHIPS = [
  ["error", "error", "ended in an error"],
  ["slowest", "slowest", "most time of its own in this trace"],
  ["dearest", "dearest", "highest cost in this trace"],
  ["orphan", "orphan", "its parent has not arrived: lost, sampled out, or still on its way"],
  ["cyclic", "loop", "its parents form a circle, which was cut here"],
  ["skewed", "clock", "outside its parent: the clocks differ, or it went on after the parent"],
];
const CODES = {
  llm: "LLM", embedding: "EMB", retrieval: "RET", rerank: "RNK", tool: "TOOL", agent: "AGT",
  guardrail: "GRD", evaluator: "EVAL", chain: "CHN", http: "HTTP", other: "···",
};
const COST_NOTES = {
  reported: "reported by the application",
  computed: "computed: tokens × price list",
  unpriced: "tokens without a known price: unknown, not zero",
};

function element(tag, className = "", attributes = {}, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Three digits, plainly written: 0.0000512, 1.5, 230. */
function digits(value) {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 3, useGrouping: value >= 10000 });
}

function duration(ms) {
  if (ms < 1000) return `${digits(ms)} ms`;
  if (ms < 60000) return `${digits(ms / 1000)} s`;
  const [minutes, seconds] = [Math.floor(ms / 60000), Math.floor((ms % 60000) / 1000)];
  if (minutes < 60) return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

function dollars(usd) {
  if (usd <= 0 || usd >= 1) return `$${usd.toFixed(usd === 0 ? 0 : 2)}`;
  const [whole, decimals = ""] = digits(usd).split(".");
  return `$${whole}.${decimals.padEnd(2, "0")}`;
}

function percent(ratio) {
  if (ratio > 0 && ratio < 0.001) return "<0.1 %";
  return `${(100 * ratio).toFixed(1).replace(".0", "")} %`;
}

const STEPS_MS = [
  ...[-2, -1, 0, 1, 2, 3].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power)),
  ...[10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400].map((s) => s * 1000),
];

/** The smallest round step that divides `total` into at most `count`; whole days beyond a day. */
function tickStep(total, count) {
  const rough = total / count;
  return STEPS_MS.find((step) => step >= rough) ?? Math.ceil(rough / 86400000) * 86400000;
}
