// Tables: what each is, where it comes from, its rows; and queries of one's own.
import { drawn, element, explained, name, table } from "./charts.js";
import { get } from "./api.js";
import { of, on, state } from "./state.js";
import { button, moment, problems, seconds } from "./words.js";

const PAGE = 100;

export function drawTables(subject, signal) {
  const holder = element("div", {}, element("p", {}, "Reading the tables."));
  const show = async () => {
    try {
      const tables = await get(of("tables"));
      const chosen = tables.find((each) => each.name === subject);
      holder.replaceChildren(chosen ? drawTable(chosen, signal) : drawList(tables));
    } catch (problem) {
      holder.replaceChildren(problems(problem.lines ?? [String(problem)]));
    }
  };
  show();
  return element("div", {}, holder);
}

function drawList(tables) {
  const wanted = element("input", { type: "search", id: "filter-tables", autocomplete: "off" });
  const list = element("div", {});
  const show = () => {
    const text = wanted.value.trim().toLocaleLowerCase();
    const matching = tables.filter((each) => `${each.name} ${each.comment}`.toLocaleLowerCase().includes(text));
    const rows = matching.map((each) => [
      element("a", { href: `#${state.env}/tables/${each.name}` }, each.name),
      each.comment,
      each.rows ?? (each.published ? "view" : "not built"),
    ]);
    list.replaceChildren(table(["table", "what it is", "rows"], rows, { label: "Tables" }));
  };
  wanted.addEventListener("input", show);
  show();
  return element(
    "div",
    {},
    element("h2", {}, "Tables"),
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

function drawTable(chosen, signal) {
  const from = element("div", {});
  const over = element("div", {});
  const showLineage = () => {
    const nodes = state.pipeline?.nodes ?? [];
    const every = new Set(nodes.flatMap((node) => node.tables));
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
  const showRuns = () => over.replaceChildren(...drawOverRuns(chosen.name));
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
    chosen.published ? drawRows(chosen) : element("p", {}, "It is not in the database yet."),
    over,
  );
}

// How many rows each run wrote, and why it did.
function drawOverRuns(wanted) {
  const builds = state.runs
    .flatMap((run) =>
      run.events
        .filter((event) => event.rows?.[wanted] !== undefined && !event.task.includes("("))
        .map((event) => [run, event]),
    )
    .toReversed();
  if (!builds.length) return [];
  const [height, width] = [80, 26];
  const most = Math.max(1, ...builds.map(([, event]) => event.rows[wanted]));
  const chart = drawn("svg", { viewBox: `0 0 ${Math.max(300, builds.length * width)} ${height}`, class: "bars" });
  const marks = builds.map(([run, event], at) => {
    const high = Math.max(1, (event.rows[wanted] / most) * (height - 4));
    const bar = drawn("rect", {
      x: at * width + 3,
      y: height - high,
      width: width - 6,
      height: high,
      class: "bar-done",
    });
    chart.append(bar);
    return { shape: bar, text: `${moment(run.started_at)}: ${event.rows[wanted].toLocaleString("en")} rows` };
  });
  const rows = builds
    .toReversed()
    .map(([run, event]) => [
      element("a", { href: `#${state.env}/runs/${run.run_id}` }, run.run_id),
      moment(event.at),
      event.rows[wanted],
      seconds(event.seconds),
      event.reason,
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

function downloads(query) {
  const words = (format) => new URLSearchParams({ ...query, format });
  return element(
    "p",
    { class: "downloads" },
    "Download all of it: ",
    ["csv", "parquet", "xlsx"].map((format) => [
      element("a", { href: `${of("download")}?${words(format)}`, download: "" }, format.toUpperCase()),
      " ",
    ]),
  );
}

function drawRows(chosen) {
  const view = { table: chosen.name, search: "", column: "", sort: "", descending: false, offset: 0 };
  const holder = element("div", { "aria-live": "polite" });
  const text = element("input", { type: "search", id: "search-rows", autocomplete: "off" });
  const column = element(
    "select",
    { id: "search-column" },
    element("option", { value: "" }, "any column"),
    chosen.columns.map((each) => element("option", {}, each.name)),
  );
  let latest = 0;

  async function show() {
    const asked = ++latest;
    try {
      const answer = await get(of("rows"), { ...view, limit: PAGE });
      if (asked === latest) holder.replaceChildren(...page(answer));
    } catch (problem) {
      if (asked === latest) holder.replaceChildren(problems(problem.lines ?? [String(problem)]));
    }
  }

  function page(answer) {
    const heads = answer.columns.map((each) => {
      const press = button(each.name, () => {
        view.descending = view.sort === each.name && !view.descending;
        view.sort = each.name;
        view.offset = 0;
        show();
      });
      const sorted = view.sort === each.name ? { "aria-sort": view.descending ? "descending" : "ascending" } : {};
      return [press, sorted, chosen.columns.find((of_) => of_.name === each.name)?.comment];
    });
    const grid = table(
      heads.map(([press]) => press),
      answer.rows.map((row) => row.map(shown)),
      {
        label: `Rows of ${chosen.name}`,
        notes: heads.map(([, , comment]) => comment),
      },
    );
    grid.querySelectorAll("th").forEach((head, at) => {
      for (const [key, value] of Object.entries(heads[at][1])) head.setAttribute(key, value);
    });
    const last = view.offset + answer.rows.length;
    const move = (step, label, possible) =>
      button(
        label,
        () => {
          view.offset = Math.max(0, view.offset + step);
          show();
        },
        possible ? {} : { disabled: "" },
      );
    return [
      element(
        "p",
        { class: "pages" },
        move(-PAGE, "Previous", view.offset > 0),
        ` ${answer.total ? (view.offset + 1).toLocaleString("en") : 0} to ${last.toLocaleString("en")} of ${answer.total.toLocaleString("en")} rows `,
        move(PAGE, "Next", answer.more),
      ),
      grid,
      downloads({
        table: view.table,
        search: view.search,
        column: view.column,
        sort: view.sort,
        descending: view.descending,
      }),
    ];
  }
  const searched = () => {
    Object.assign(view, { search: text.value, column: column.value, offset: 0 });
    show();
  };
  text.addEventListener("change", searched);
  column.addEventListener("change", searched);
  show();
  return element(
    "section",
    {},
    element("h3", {}, "Rows"),
    element(
      "p",
      {},
      element("label", { for: "search-rows" }, "Search"),
      " ",
      text,
      " ",
      element("label", { for: "search-column" }, "in"),
      " ",
      column,
    ),
    holder,
  );
}

function shown(value) {
  return typeof value === "boolean" ? (value ? "yes" : "no") : value;
}

export function drawSql(_subject, signal) {
  const text = element("textarea", { id: "sql", rows: "7", spellcheck: "false", autocomplete: "off" });
  const holder = element("div", { "aria-live": "polite" });
  const chooser = element(
    "select",
    { id: "example" },
    element("option", { value: "" }, "choose one"),
    state.session.examples.map((example, at) => element("option", { value: String(at) }, example.title)),
  );
  chooser.addEventListener("change", () => {
    if (chooser.value) text.value = state.session.examples[Number(chooser.value)].sql;
  });
  const run = button("Run", ask, { class: "main-action" });

  async function ask() {
    if (!text.value.trim()) return;
    run.disabled = true;
    holder.replaceChildren(element("p", {}, "Asking the database."));
    const sql = text.value;
    try {
      const answer = await get(of("rows"), { sql, limit: 1000 });
      if (signal.aborted) return;
      holder.replaceChildren(
        element(
          "p",
          { class: "caption" },
          answer.more ? "The first 1,000 rows:" : `${answer.rows.length.toLocaleString("en")} rows:`,
        ),
        table(
          answer.columns.map((each) => each.name),
          answer.rows.map((row) => row.map(shown)),
          { label: "Answer" },
        ),
        downloads({ sql }),
      );
    } catch (problem) {
      holder.replaceChildren(problems(problem.lines ?? [String(problem)]));
    } finally {
      run.disabled = false;
    }
  }
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
  return element(
    "div",
    {},
    element("h2", {}, "SQL"),
    element(
      "p",
      { class: "caption" },
      "Reads the published database, and nothing else: at most 1,000 rows here, 30 seconds and 1 GB of memory. Ctrl+Enter runs the query.",
    ),
    element("p", {}, element("label", { for: "example" }, "Example"), " ", chooser),
    element("p", {}, element("label", { for: "sql" }, "Query")),
    text,
    element("p", {}, run),
    holder,
  );
}
