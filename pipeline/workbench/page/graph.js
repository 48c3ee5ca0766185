// The DAG from left to right: tasks as buttons in columns, lines between them, the tasks per category as one group.
import { boxes, direct, levels } from "./boxes.js";
import { drawn, element, name } from "./charts.js";
import { outcomes, standing, state } from "./state.js";
import { badge, bytes, moment, seconds } from "./words.js";

const ORDER = ["failed", "building", "built", "cut off", "waiting", "stale", "fresh"];

function summary(box, events, building) {
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
  const size = box.nodes.reduce((sum, node) => sum + node.size, 0);
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
  if (!box.isGroup) return box.key;
  return box.nodes.length ? `${box.key} × ${box.nodes.length}` : `${box.key}, one per category`;
}

// A long name may break before each of its words.
function breakable(text) {
  return text.split(/(?<=[a-z])(?=[A-Z])/).map((part, at) => [at ? element("wbr") : null, name(part)]);
}

// Without the folders of paths, which the details have.
function short(text) {
  return text.replaceAll(/\/?(?:[\w.-]+\/)+(?=[\w-]+\.\w)/g, "");
}

function fill(target, box, isOpen, { word, counts, because }) {
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
      because ? element("span", { class: "because" }, name(short(because))) : null,
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
    const [events, building] = [outcomes(), new Set(state.activity.building)];
    for (const [key, box] of all) fill(buttons.get(key), box, isPicked(key), summary(box, events, building));
    requestAnimationFrame(connect);
  }

  new ResizeObserver(connect).observe(columns);
  return [holder, update];
}
