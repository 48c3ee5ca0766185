// Tables: what each is, where it comes from, how it changed over runs.
import { drawn, element, explained, name, table } from "./charts.js";
import { get } from "./api.js";
import { drawRows } from "./rows.js";
import { of, on, state } from "./state.js";
import { moment, problems, seconds } from "./words.js";

export function drawTables(subject, signal) {
  const holder = element("div", {}, element("p", {}, "Reading the tables."));
  const show = async () => {
    try {
      const tables = await get(of("tables"));
      const chosen = tables.find((each) => each.name === subject);
      holder.replaceChildren(chosen ? drawTable(chosen, tables, signal) : drawList(tables, signal));
    } catch (problem) {
      holder.replaceChildren(problems(problem.lines ?? [String(problem)]));
    }
  };
  show();
  return element("div", {}, holder);
}

// The files that are published for people: the workbook, and its sheets as CSV.
function drawDocuments(signal) {
  const holder = element("p", {});
  const show = () => {
    const names = (state.pipeline?.documents ?? []).map((path) => path.split("/").at(-1));
    const links = names.map((each) => [
      element("a", { href: `/documents/${state.env}/${each}`, download: "" }, each),
      " ",
    ]);
    holder.replaceChildren(...(isBuilt() ? ["Files to download: ", ...links.flat()] : []));
  };
  on("pipeline", signal, show);
  show();
  return holder;
}

function isBuilt() {
  return state.pipeline?.nodes.some((node) => node.family === "Workbook" && node.built_at);
}

function drawList(tables, signal) {
  const wanted = element("input", { type: "search", id: "filter-tables", autocomplete: "off" });
  const list = element("div", {});
  const show = () => {
    const text = wanted.value.trim().toLocaleLowerCase();
    const matching = tables.filter((each) => `${each.name} ${each.comment}`.toLocaleLowerCase().includes(text));
    const rows = matching.map((each) => [
      element("a", { href: `#${state.env}/tables/${each.name}` }, each.name),
      each.comment,
      each.rows ?? (each.in_files_only ? "in files only" : each.published ? "view" : "not built"),
    ]);
    list.replaceChildren(table(["table", "what it is", "rows"], rows, { label: "Tables" }));
  };
  wanted.addEventListener("input", show);
  show();
  return element(
    "div",
    {},
    element("h2", {}, "Tables"),
    drawDocuments(signal),
    element("p", {}, element("label", { for: "filter-tables" }, "Filter tables"), " ", wanted),
    list,
  );
}

// The tables that a table is made from, and what is made from it.
export function lineage(nodes, wanted) {
  const own = nodes.filter((node) => node.tables.includes(wanted));
  const makers = own.some((node) => node.category) ? own.filter((node) => node.category).slice(0, 1) : own;
  const up = [...new Set(makers.flatMap((node) => (node.reads.length ? node.reads : node.requires)))];
  const readers = nodes.filter((node) => node.reads.includes(wanted) && !node.tables.includes(wanted));
  const down = [...new Set(readers.flatMap((node) => (node.tables.length ? node.tables : [node.task])))];
  return { makers: [...new Set(own.map((node) => node.family))], up, down };
}

function links(names, tables) {
  return names.length
    ? names.map((each, at) => [
        at ? ", " : "",
        tables.has(each) ? element("a", { href: `#${state.env}/tables/${each}` }, each) : name(each),
      ])
    : "nothing";
}

function drawTable(chosen, tables, signal) {
  const from = element("div", {});
  const over = element("div", {});
  const showLineage = () => {
    const nodes = state.pipeline?.nodes ?? [];
    const every = new Set(tables.map((each) => each.name));
    const { makers, up, down } = lineage(nodes, chosen.name);
    from.replaceChildren(
      ...(makers.length
        ? [
            element("p", {}, "Made by ", makers.join(" and "), " from ", links(up, every), "."),
            element("p", {}, "Read for ", links(down, every), "."),
          ]
        : []),
    );
  };
  const showRuns = async () => {
    try {
      over.replaceChildren(...drawOverRuns(await get(of("runs"), { table: chosen.name, last: 200 })));
    } catch (problem) {
      over.replaceChildren(problems(problem.lines ?? [String(problem)]));
    }
  };
  on("pipeline", signal, showLineage);
  on("runs", signal, showRuns);
  showLineage();
  showRuns();
  const columns = chosen.columns.map((column) => [
    column.name,
    column.type,
    column.nullable ? "yes" : "",
    column.comment,
  ]);
  return element(
    "div",
    {},
    element("p", {}, element("a", { href: `#${state.env}/tables` }, "All tables")),
    element("h2", {}, name(chosen.name)),
    element("p", { class: "verdict" }, name(chosen.comment)),
    chosen.key.length ? element("p", { class: "caption" }, `Key: ${chosen.key.join(", ")}`) : null,
    from,
    element(
      "details",
      {},
      element("summary", {}, `${columns.length} columns and their meaning`),
      table(["column", "type", "null", "what it is"], columns, { label: "Columns" }),
    ),
    chosen.published
      ? drawRows(chosen)
      : element(
          "p",
          {},
          chosen.in_files_only
            ? "It is never in the database: only the tasks per category read it."
            : "It is not in the database yet.",
        ),
    over,
  );
}

// How many rows each run wrote, and why it did.
function drawOverRuns(newestFirst) {
  if (!newestFirst.length) return [];
  const builds = newestFirst.toReversed();
  const [height, width] = [80, 26];
  const most = Math.max(1, ...builds.map((build) => build.rows));
  const chart = drawn("svg", { viewBox: `0 0 ${Math.max(300, builds.length * width)} ${height}`, class: "bars" });
  const marks = builds.map((build, at) => {
    const high = Math.max(1, (build.rows / most) * (height - 4));
    const bar = drawn("rect", {
      x: at * width + 3,
      y: height - high,
      width: width - 6,
      height: high,
      class: "bar-done",
    });
    chart.append(bar);
    return { shape: bar, text: `${moment(build.at)}: ${build.rows.toLocaleString("en")} rows` };
  });
  const rows = newestFirst.map((build) => [
    element("a", { href: `#${state.env}/runs/${build.run_id}` }, build.run_id),
    moment(build.at),
    build.rows,
    seconds(build.seconds),
    build.reason,
  ]);
  return [
    element("h3", {}, "Over the runs"),
    element(
      "figure",
      {},
      explained(chart, marks, "Rows by run."),
      element("figcaption", {}, "Rows that each run wrote, the newest on the right."),
    ),
    table(["run", "built", "rows", "seconds", "because"], rows, { label: "Builds of this table" }),
  ];
}
