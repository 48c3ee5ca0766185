"use strict";
// Small charts as SVG and tables. What they are given is data: every text becomes a text node, never markup.

// Okabe and Ito's colours, which the colour-blind can tell apart; beyond eight, and for print, shapes differ too.
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"];
const SHAPES = ["circle", "square", "triangle", "diamond", "down"];

function colour(number) {
  return COLOURS[(number - 1) % COLOURS.length];
}

function element(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawn(name, attributes, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) node.append(child);
  return node;
}

// A text from the data: it keeps its own direction, whatever stands around it.
function name(text) {
  return element("bdi", {}, String(text));
}

function table(head, rows, options = {}) {
  const line = head.map((text, at) =>
    element("th", { scope: "col", ...(options.notes?.[at] ? { title: options.notes[at] } : {}) }, text),
  );
  const cell = (value) => {
    const numeric = typeof value === "number";
    const shown = value === null || value === undefined ? "" : numeric ? value.toLocaleString("en") : value;
    return element(
      "td",
      numeric ? { class: "number" } : {},
      shown instanceof Node ? shown : typeof shown === "string" ? name(shown) : shown,
    );
  };
  const whole = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, line)),
    element(
      "tbody",
      {},
      rows.map((row) => element("tr", {}, row.map(cell))),
    ),
  );
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": options.label || "Table" },
    whole,
  );
}

function figure(title, caption, ...content) {
  return element("figure", {}, element("h4", {}, title), ...content, element("figcaption", {}, caption));
}

const tip = document.getElementById("tip");

function showTip(text, box) {
  tip.textContent = text;
  tip.hidden = false;
  tip.style.left = `${Math.max(4, Math.min(box.left + box.width / 2 + 12, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(4, box.top - tip.offsetHeight - 8)}px`;
}

function hideTip() {
  tip.hidden = true;
}

// Marks that say what they are: under the pointer, and with the arrow keys once the chart has the focus.
function explained(chart, marks, label) {
  const group = element(
    "div",
    { class: "chart", tabindex: "0", role: "group", "aria-label": `${label} The arrow keys go from mark to mark.` },
    chart,
  );
  chart.setAttribute("aria-hidden", "true");
  let at = -1;
  const show = (mark) => showTip(mark.text, mark.shape.getBoundingClientRect());
  const lit = (next) => {
    marks[at]?.shape.classList.remove("lit");
    at = next;
    marks[at]?.shape.classList.add("lit");
  };
  for (const mark of marks) mark.shape.addEventListener("pointerenter", () => show(mark));
  group.addEventListener("pointerleave", hideTip);
  group.addEventListener("blur", () => {
    lit(-1);
    hideTip();
  });
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") hideTip();
    if (!step || !marks.length) return;
    event.preventDefault();
    lit((at + step + marks.length) % marks.length);
    show(marks[at]);
  });
  return group;
}

function shape(kind, x, y, size, attributes) {
  const paths = {
    triangle: `M${x} ${y - size}L${x + size} ${y + size}H${x - size}Z`,
    down: `M${x} ${y + size}L${x + size} ${y - size}H${x - size}Z`,
    diamond: `M${x} ${y - 1.3 * size}L${x + 1.3 * size} ${y}L${x} ${y + 1.3 * size}L${x - 1.3 * size} ${y}Z`,
    square: `M${x - size} ${y - size}h${2 * size}v${2 * size}h${-2 * size}Z`,
  };
  return kind === "circle"
    ? drawn("circle", { cx: x, cy: y, r: size, ...attributes })
    : drawn("path", { d: paths[kind], ...attributes });
}

function mark(number, x, y, size, attributes) {
  return shape(SHAPES[(number - 1) % SHAPES.length], x, y, size, {
    fill: colour(number),
    stroke: "#333",
    "stroke-width": 0.6,
    ...attributes,
  });
}

function swatch(number) {
  return drawn(
    "svg",
    { width: 16, height: 16, viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true" },
    mark(number, 8, 8, 5),
  );
}

// The stores on a plane: points are {x, y, cluster, text, hollow}.
function map(points, label) {
  const [width, height, room] = [560, 400, 14];
  const at = points.filter((point) => point.x !== null);
  const reach = Math.max(1, ...at.map((point) => Math.abs(point.y)));
  const unit = Math.min((width / 2 - room) / 1000, (height / 2 - room) / reach);
  const chart = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "map" });
  chart.append(drawn("path", { d: `M${width / 2} 0V${height}M0 ${height / 2}H${width}`, class: "axis" }));
  const marks = at.map((point) => {
    const drawnAt = mark(
      point.cluster,
      width / 2 + point.x * unit,
      height / 2 - point.y * unit,
      4.5,
      point.hollow ? { fill: "#fff", stroke: colour(point.cluster), "stroke-width": 2 } : { "fill-opacity": 0.85 },
    );
    chart.append(drawnAt);
    return { shape: drawnAt, text: point.text };
  });
  return explained(chart, marks, label);
}

// A figure for every k tried: the one taken is filled, one that may not be taken is a cross.
function line(figures, key, title, better) {
  const [ks, values] = [figures.k, figures[key]];
  const [width, height, left, top, bottom] = [250, 150, 46, 12, 26];
  const measured = ks.map((k, at) => [k, values[at], figures.outcome[at]]).filter(([, value]) => value !== null);
  const chart = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "line" });
  if (!measured.length) return element("p", {}, `${title}: not measured.`);
  const low = Math.min(...measured.map(([, value]) => value)),
    high = Math.max(...measured.map(([, value]) => value));
  const first = Math.min(...ks),
    span = Math.max(1, Math.max(...ks) - first);
  const x = (k) => left + ((k - first) / span) * (width - left - 14);
  const y = (value) => (high === low ? height / 2 : top + ((high - value) / (high - low)) * (height - top - bottom));
  chart.append(drawn("path", { d: `M${left - 6} ${top - 6}V${height - bottom + 6}H${width}`, class: "axis" }));
  chart.append(
    drawn("path", { d: "M" + measured.map(([k, value]) => `${x(k)} ${y(value)}`).join("L"), class: "trace" }),
  );
  for (const value of new Set([low, high]))
    chart.append(drawn("text", { x: left - 9, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  for (const k of ks) chart.append(drawn("text", { x: x(k), y: height - 6, "text-anchor": "middle" }, String(k)));
  const marks = measured.map(([k, value, outcome]) => {
    const taken = outcome === "taken";
    const point = IN_THE_RUNNING.includes(outcome)
      ? drawn("circle", { cx: x(k), cy: y(value), r: taken ? 6 : 3.5, class: taken ? "taken" : "tried" })
      : drawn("path", { d: cross(x(k), y(value), 4), class: "barred" });
    chart.append(point);
    return { shape: point, text: `k = ${k}: ${title.toLowerCase()} ${value}; ${outcome}` };
  });
  return element(
    "div",
    { class: "small" },
    element("strong", {}, title),
    ` ${better}`,
    explained(chart, marks, `${title} by number of clusters.`),
  );
}

function cross(x, y, size) {
  return `M${x - size} ${y - size}L${x + size} ${y + size}M${x - size} ${y + size}L${x + size} ${y - size}`;
}

function short(value) {
  return Math.abs(value) >= 1000 ? `${(value / 1000).toFixed(1)}k` : String(Number(value.toPrecision(2)));
}

// Every store's silhouette, a block per cluster, the largest first.
function silhouettes(blocks) {
  const [width, left, gap] = [560, 80, 8];
  const count = blocks.reduce((sum, block) => sum + block.values.length, 0);
  const row = Math.max(0.5, Math.min(6, 420 / Math.max(1, count)));
  const height = count * row + (blocks.length + 1) * gap + 20;
  const x = (value) => left + ((value + 100) / 200) * (width - left - 10);
  const chart = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "silhouettes" });
  const marks = [];
  let y = gap;
  for (const block of blocks) {
    const values = [...block.values].sort((a, b) => b - a);
    let path = `M${x(0)} ${y}`;
    values.forEach((value, at) => {
      path += `H${x(value)}V${y + (at + 1) * row}`;
    });
    const body = drawn("path", {
      d: `${path}H${x(0)}Z`,
      fill: "#9aa1ab",
      stroke: "#333",
      "stroke-width": 0.4,
    });
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const doubtful = values.filter((value) => value < 0).length;
    chart.append(body, drawn("text", { x: 4, y: y + (values.length * row) / 2 + 4 }, `sales-mix ${block.cluster}`));
    marks.push({
      shape: body,
      text: `sales-mix cluster ${block.cluster}: ${counted(values.length, "store", "stores")}, mean ${(mean / 100).toFixed(2)}, ${doubtful} below 0`,
    });
    y += values.length * row + gap;
  }
  chart.append(drawn("path", { d: `M${x(0)} 0V${y}`, class: "axis" }));
  for (const value of [-100, -50, 0, 50, 100])
    chart.append(drawn("text", { x: x(value), y: y + 12, "text-anchor": "middle" }, String(value / 100)));
  return explained(chart, marks, "Silhouettes by cluster on the sales mix.");
}
