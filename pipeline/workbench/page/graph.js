// The DAG from left to right: tasks as buttons in columns, lines between them, the tasks per category as one group.
import { drawn, element, name } from "./charts.js";
import { outcomes, reason, standing, state } from "./state.js";
import { badge, bytes, moment, seconds } from "./words.js";

// The tasks per category become one box each; a box is {key, nodes, requires}.
export function boxes(nodes) {
  const all = new Map();
  const boxOf = new Map(nodes.map((node) => [node.task, node.category ? node.family : node.task]));
  for (const node of nodes) {
    const key = boxOf.get(node.task);
    const box = all.get(key) ?? { key, nodes: [], requires: new Set(), isGroup: Boolean(node.category) };
    box.nodes.push(node);
    for (const below of node.requires) if (boxOf.has(below)) box.requires.add(boxOf.get(below));
    all.set(key, box);
  }
  for (const node of nodes) {
    if (!node.group) continue;
    if (!all.has(node.group))
      all.set(node.group, {
        key: node.group,
        nodes: [],
        requires: new Set(all.get(node.task).requires),
        isGroup: true,
      });
    all.get(node.task).requires.add(node.group);
  }
  return all;
}

// Levels from the left; a box stands right of all that it requires.
export function levels(all) {
  const level = new Map();
  const of = (key) => {
    if (!level.has(key)) {
      const below = [...all.get(key).requires].map(of);
      level.set(key, below.length ? Math.max(...below) + 1 : 0);
    }
    return level.get(key);
  };
  for (const key of all.keys()) of(key);
  return level;
}

// What a box requires directly: not what another of its requirements requires, too.
export function direct(all) {
  const reached = new Map();
  const below = (key) => {
    if (!reached.has(key)) {
      const every = new Set();
      for (const next of all.get(key).requires) for (const further of [next, ...below(next)]) every.add(further);
      reached.set(key, every);
    }
    return reached.get(key);
  };
  return new Map(
    [...all.values()].map((box) => [
      box.key,
      [...box.requires].filter((key) => ![...box.requires].some((other) => other !== key && below(other).has(key))),
    ]),
  );
}

const ORDER = ["failed", "building", "built", "cut off", "waiting", "stale", "fresh"];

export function summary(box) {
  const events = outcomes();
  const building = new Set(state.activity.building);
  const standings = box.nodes.map((node) => standing(node, events, building));
  const counts = ORDER.map((word) => [word, standings.filter(([state_]) => state_ === word).length]).filter(
    ([, count]) => count,
  );
  const [word] = counts[0] ?? ["stale"];
  const because = standings.find(([state_, why]) => state_ === word && why)?.[1] ?? "";
  return { word, counts, because };
}

function facts(box) {
  const files = box.nodes.flatMap((node) => node.files);
  const size = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
  const rows = box.isGroup ? [] : files.filter((file) => file.rows !== null);
  const built = box.nodes
    .map((node) => node.built_at)
    .sort()
    .at(-1);
  const spent = box.nodes.reduce((sum, node) => sum + node.seconds, 0);
  return [
    built ? moment(built) : "",
    [
      spent ? seconds(spent) : "",
      size ? bytes(size) : "",
      rows.length ? `${rows.reduce((sum, file) => sum + file.rows, 0).toLocaleString("en")} rows` : "",
    ]
      .filter(Boolean)
      .join(" · "),
  ].filter(Boolean);
}

function title(box) {
  const raw = /^RawSource\((.+)\)$/.exec(box.key);
  if (raw) return `raw: ${raw[1]}`;
  return box.isGroup ? `${box.key} × ${box.nodes.length}` : box.key;
}

// A long name may break before each of its words.
function breakable(text) {
  return text.split(/(?<=[a-z])(?=[A-Z])/).map((part, at) => [at ? element("wbr") : null, name(part)]);
}

function fill(target, box, isOpen) {
  const { word, counts, because } = summary(box);
  target.className = `task is-${word.replace(" ", "-")}`;
  target.setAttribute("aria-pressed", String(isOpen));
  target.replaceChildren(
    ...[
      element("strong", {}, breakable(title(box))),
      element(
        "span",
        { class: "states" },
        box.isGroup ? counts.map(([state_, count]) => [badge(state_), ` ${count} `]) : badge(word),
      ),
      because ? element("span", { class: "because" }, name(because)) : null,
      ...facts(box).map((text) => element("span", { class: "facts" }, text)),
    ].filter(Boolean),
  );
}

// Draws the DAG, and gives a function that shows what changed.
export function drawGraph(onPick, isPicked) {
  const lines = drawn("svg", { class: "lines", "aria-hidden": "true" });
  const columns = element("ol", { class: "columns" });
  const holder = element("div", {
    class: "graph",
    role: "region",
    "aria-label": "Tasks, from left to right",
    tabindex: "0",
  });
  holder.append(element("div", { class: "canvas" }, lines, columns));
  let buttons = new Map();
  let structure = "";
  let edges = new Map();

  function build(all) {
    const level = levels(all);
    edges = direct(all);
    buttons = new Map(
      [...all.keys()].map((key) => {
        const made = element("button", { type: "button" });
        made.addEventListener("click", () => onPick(key));
        return [key, made];
      }),
    );
    const deepest = Math.max(0, ...level.values());
    columns.replaceChildren(
      ...Array.from({ length: deepest + 1 }, (_, at) =>
        element(
          "li",
          {},
          element(
            "ul",
            {},
            [...all.keys()].filter((key) => level.get(key) === at).map((key) => element("li", {}, buttons.get(key))),
          ),
        ),
      ),
    );
  }

  function connect() {
    const origin = columns.getBoundingClientRect();
    lines.setAttribute("width", columns.scrollWidth);
    lines.setAttribute("height", columns.scrollHeight);
    lines.replaceChildren();
    for (const [key, below] of edges)
      for (const from of below) {
        const [a, b] = [buttons.get(from).getBoundingClientRect(), buttons.get(key).getBoundingClientRect()];
        const [x1, y1] = [a.right - origin.left, a.top + a.height / 2 - origin.top];
        const [x2, y2] = [b.left - origin.left, b.top + b.height / 2 - origin.top];
        const bend = Math.max(14, (x2 - x1) / 2);
        lines.append(drawn("path", { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }));
      }
  }

  function update() {
    if (!state.pipeline) return;
    const all = boxes(state.pipeline.nodes);
    const next = JSON.stringify([...all.values()].map((box) => [box.key, [...box.requires]]));
    if (next !== structure) {
      const focused = [...buttons].find(([, made]) => made === document.activeElement)?.[0];
      structure = next;
      build(all);
      buttons.get(focused)?.focus();
    }
    for (const [key, box] of all) fill(buttons.get(key), box, isPicked(key));
    requestAnimationFrame(connect);
  }

  new ResizeObserver(connect).observe(columns);
  return [holder, update];
}

// All that is known of a box: every reason, files, tables, and for a group its tasks.
export function details(key) {
  const box = boxes(state.pipeline.nodes).get(key);
  if (!box) return element("p", {}, "There is no such task any more.");
  return box.isGroup ? ofGroup(box) : ofTask(box.nodes[0]);
}

function ofTask(node) {
  const own = node.reasons.map((each) =>
    element(
      "li",
      {},
      element("strong", {}, each.kind),
      each.what ? [": ", name(each.what)] : null,
      each.old !== null && each.new !== null
        ? [" ", element("del", {}, name(each.old)), " → ", element("ins", {}, name(each.new))]
        : null,
    ),
  );
  return element(
    "div",
    {},
    own.length ? element("h4", {}, "Why it is stale") : element("p", {}, "It is fresh."),
    element("ul", { class: "reasons" }, own),
    node.built_at
      ? element(
          "p",
          {},
          `Built ${moment(node.built_at)}, in ${seconds(node.seconds)}, by run `,
          element("a", { href: `#${state.env}/runs/${node.run_id}` }, node.run_id),
          ".",
        )
      : null,
    element(
      "ul",
      { class: "files" },
      node.files.map((file) => {
        const table = /([^/]+)\.parquet$/.exec(file.path)?.[1];
        const link = node.tables.includes(table)
          ? element("a", { href: `#${state.env}/tables/${table}` }, file.path)
          : name(file.path);
        const size = file.size === null ? "missing" : bytes(file.size);
        const rows = file.rows === null ? "" : `, ${file.rows.toLocaleString("en")} rows`;
        return element("li", {}, link, ` (${size}${rows})`);
      }),
    ),
  );
}

function ofGroup(box) {
  const rows = element("tbody", {});
  const wanted = element("input", { type: "search", id: "filter-group", autocomplete: "off" });
  const show = () => {
    const text = wanted.value.trim().toLocaleLowerCase();
    const events = outcomes();
    const building = new Set(state.activity.building);
    const matching = box.nodes.filter((node) => node.category.toLocaleLowerCase().includes(text));
    rows.replaceChildren(
      ...matching.map((node) => {
        const [word, why] = standing(node, events, building);
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, name(node.category)),
          element("td", {}, badge(word)),
          element("td", {}, name(why || reason(node))),
          element("td", {}, moment(node.built_at)),
          element("td", { class: "number" }, node.seconds ? seconds(node.seconds) : ""),
          element(
            "td",
            {},
            element(
              "a",
              {
                href: `/report/${state.env}/#named-${encodeURIComponent(node.category)}`,
                target: "_blank",
                rel: "noopener",
                "aria-label": `Report of ${node.category}`,
              },
              "report",
            ),
          ),
        );
      }),
    );
  };
  wanted.addEventListener("input", show);
  show();
  const heads = ["category", "state", "because", "last built", "seconds", ""].map((text) =>
    element(text ? "th" : "td", text ? { scope: "col" } : {}, text),
  );
  return element(
    "div",
    {},
    element("p", {}, element("label", { for: "filter-group" }, "Filter categories"), " ", wanted),
    element(
      "div",
      { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Categories" },
      element("table", {}, element("thead", {}, element("tr", {}, heads)), rows),
    ),
  );
}
