// The rows of a table, to page, sort and search; and downloads.
import { element, table } from "./charts.js";
import { get } from "./api.js";
import { of } from "./state.js";
import { button, problems } from "./words.js";

const PAGE = 100;

export function downloads(query, rows) {
  const words = (format) => new URLSearchParams({ ...query, format });
  return element(
    "p",
    { class: "downloads" },
    `Download ${rows}: `,
    ["csv", "parquet", "xlsx"].map((format) => [
      element("a", { href: `${of("download")}?${words(format)}`, download: "" }, format.toUpperCase()),
      " ",
    ]),
  );
}

export function drawRows(chosen) {
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
      downloads(
        {
          table: view.table,
          search: view.search,
          column: view.column,
          sort: view.sort,
          descending: view.descending,
        },
        view.search ? "the rows that match" : "all rows",
      ),
      grid,
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

export function shown(value) {
  return typeof value === "boolean" ? (value ? "yes" : "no") : value;
}
