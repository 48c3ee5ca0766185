// All that is known of a box: every reason, files, tables, and for a group its tasks.
import { boxes } from "./boxes.js";
import { element, name } from "./charts.js";
import { lastFailure, outcomes, reason, standing, state } from "./state.js";
import { badge, bytes, moment, problems, seconds } from "./words.js";

// Gives the part of the page, and a function that shows what changed.
export function drawDetails(key, filter) {
  const holder = element("div", {});
  const wanted = element("input", { type: "search", id: "filter-group", autocomplete: "off" });
  wanted.value = filter;
  const rows = element("tbody", {});
  const grid = drawGrid(wanted, rows);
  let content = "";
  const update = () => {
    const box = boxes(state.pipeline?.nodes ?? []).get(key);
    if (box?.isGroup) fillRows(rows, box, wanted.value.trim().toLocaleLowerCase());
    const next = box?.isGroup ? "group" : JSON.stringify([box?.nodes, box?.nodes.map(lastFailure)]);
    if (next === content) return; // what is selected or has the focus stays
    content = next;
    holder.replaceChildren(
      box ? (box.isGroup ? grid : ofTask(box.nodes[0])) : element("p", {}, "There is no such task any more."),
    );
  };
  wanted.addEventListener("input", update);
  update();
  return [element("div", {}, element("h3", {}, name(key)), holder), update];
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
  const failure = node.reasons.length ? lastFailure(node) : "";
  return element(
    "div",
    {},
    failure ? [element("p", {}, "The last run failed here:"), problems([failure])] : null,
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

function fillRows(rows, box, text) {
  const [events, building] = [outcomes(), new Set(state.activity.building)];
  const lines = new Map([...rows.children].map((line) => [line.dataset.category, line]));
  const next = box.nodes.flatMap((node) => {
    const [word, why] = standing(node, events, building);
    const because = why || reason(node);
    if (!`${node.category} ${word} ${because}`.toLocaleLowerCase().includes(text)) return [];
    const content = JSON.stringify([word, because, node.built_at, node.seconds]);
    const line = lines.get(node.category);
    return line?.dataset.content === content ? line : drawRow(node, word, because, content);
  });
  if (next.length !== rows.childElementCount || next.some((line, at) => line !== rows.children[at]))
    rows.replaceChildren(...next);
}

function drawRow(node, word, why, content) {
  const link = {
    href: `/report/${state.env}/#named-${encodeURIComponent(node.category)}`,
    target: "_blank",
    rel: "noopener",
    "aria-label": `Report of ${node.category}`,
  };
  return element(
    "tr",
    { "data-category": node.category, "data-content": content },
    element("th", { scope: "row" }, name(node.category)),
    element("td", {}, badge(word)),
    element("td", {}, name(why)),
    element("td", {}, moment(node.built_at)),
    element("td", { class: "number" }, node.seconds ? seconds(node.seconds) : ""),
    element("td", {}, element("a", link, "report")),
  );
}

function drawGrid(wanted, rows) {
  const heads = ["category", "state", "because", "last built", "seconds", ""].map((text) =>
    element(text ? "th" : "td", text ? { scope: "col" } : {}, text),
  );
  return element(
    "div",
    {},
    element("p", {}, element("label", { for: "filter-group" }, "Filter by category, state or reason"), " ", wanted),
    element(
      "div",
      { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Categories" },
      element("table", {}, element("thead", {}, element("tr", {}, heads)), rows),
    ),
  );
}
