// Queries of one's own.
import { element, table } from "./charts.js";
import { get } from "./api.js";
import { downloads, shown } from "./rows.js";
import { of, state } from "./state.js";
import { button, problems } from "./words.js";

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
        downloads({ sql }, "all rows"),
        table(
          answer.columns.map((each) => each.name),
          answer.rows.map((row) => row.map(shown)),
          { label: "Answer" },
        ),
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
