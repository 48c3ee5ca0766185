// The pipeline, and how to launch it.
import { element, table } from "./charts.js";
import { get } from "./api.js";
import { drawDetails } from "./details.js";
import { drawGraph } from "./graph.js";
import { change, isRunning, of, on, state } from "./state.js";
import { button, command, field, problems } from "./words.js";

// A box, and the category that its tasks are filtered by: luigid's page links to `ClusterCategory/Tea`.
function split(subject) {
  const at = subject.indexOf("/");
  return at < 0 ? [subject, ""] : [subject.slice(0, at), subject.slice(at + 1)];
}

export function drawPipeline(_subject, signal) {
  const faults = element("div", {});
  const aside = element("section", { class: "details", "aria-label": "The task", "aria-live": "off" });
  const [graph, update] = drawGraph(
    (key) => {
      location.hash =
        key === split(state.subject)[0]
          ? `#${state.env}/pipeline`
          : `#${state.env}/pipeline/${encodeURIComponent(key)}`;
    },
    (key) => key === split(state.subject)[0],
  );
  let updateDetails = () => {};
  const pick = () => {
    if (!state.pipeline) return;
    const [key, filter] = split(state.subject);
    const [part, next] = key ? drawDetails(key, filter) : ["", () => {}];
    aside.replaceChildren(part);
    updateDetails = next;
    update();
  };
  const show = () => {
    update();
    updateDetails();
  };
  on("pipeline", signal, () => {
    faults.replaceChildren(...(state.pipeline.errors.length ? [problems(state.pipeline.errors)] : []));
    if (!aside.hasChildNodes()) pick();
    show();
  });
  on("subject", signal, pick);
  on("activity", signal, show);
  on("runs", signal, show);
  pick();
  if (state.pipeline?.errors.length) faults.replaceChildren(problems(state.pipeline.errors));
  return element(
    "div",
    {},
    element("h2", { class: "unseen" }, "Pipeline"),
    state.session.read_only ? null : drawLaunch(signal),
    faults,
    graph,
    aside,
  );
}

function drawLaunch(signal) {
  const job = element("select", { id: "job" });
  const category = element("input", { id: "category-wanted", list: "categories-known", autocomplete: "off" });
  const known = element("datalist", { id: "categories-known" });
  const tags = element("input", { id: "tags", placeholder: "reason=rehearsal", autocomplete: "off" });
  const workers = element("input", { id: "workers", type: "number", min: "1", max: "64", value: "1" });
  const outcome = element("div", { id: "plan", "aria-live": "polite" });
  const look = button("What would be built?", plan, { class: "main-action" });
  const cancel = button("Cancel the run", stop, { class: "stop" });

  function asked() {
    return {
      job: category.value.trim() && job.value === "FullPipeline" ? "" : job.value,
      category: category.value.trim(),
      tags: tags.value.trim().split(/\s+/).filter(Boolean),
      workers: Number(workers.value) || 1,
    };
  }

  async function attempt(pressed, work) {
    pressed.disabled = true;
    try {
      await work();
    } catch (problem) {
      outcome.replaceChildren(problems(problem.lines ?? [String(problem)]));
    } finally {
      pressed.disabled = false;
      showState();
    }
  }

  function plan() {
    outcome.replaceChildren(element("p", {}, "Looking at what would be built."));
    return attempt(look, async () => {
      const run = asked();
      const answer = await get(of("plan"), { run: JSON.stringify(run) });
      const rows = answer.would_build.map((each) => [each.task, each.reason]);
      const go = button("Launch", () => launch(go, run), { class: "main-action", id: "launch" });
      outcome.replaceChildren(
        command(answer.command),
        rows.length
          ? element(
              "p",
              {},
              go,
              ` builds ${rows.length === 1 ? "one task" : `${rows.length} tasks`}, and tasks that depend on what they find:`,
            )
          : element("p", {}, "Nothing to do: every target is fresh."),
        rows.length ? table(["task", "because"], rows, { label: "What would be built" }) : "",
      );
      showState();
    });
  }

  function launch(pressed, run) {
    return attempt(pressed, async () => {
      const launched = await change("launch", run);
      outcome.replaceChildren(command(launched.command), element("p", {}, "It is launched."));
      await follow(launched);
    });
  }

  async function follow(launched) {
    let output;
    do {
      await new Promise((done) => setTimeout(done, 700));
      output = await get(of(`output/${launched.output}`));
    } while (output.running && !signal.aborted);
    if (signal.aborted) return;
    outcome.replaceChildren(
      command(launched.command),
      output.problems.length ? problems(output.problems) : "",
      element(
        "pre",
        { class: "log", tabindex: "0", "aria-label": "What the run printed" },
        output.text || "It printed nothing.",
      ),
    );
  }

  function stop() {
    return attempt(cancel, async () => {
      const [run] = state.activity.running;
      await change("cancel", { run_id: run?.run_id ?? "" });
      outcome.replaceChildren(element("p", {}, "The run was told to stop. What it has built stays."));
    });
  }

  function showState() {
    cancel.hidden = !isRunning();
    const go = document.getElementById("launch");
    if (go) go.disabled = isRunning();
  }

  function showChoices() {
    if (!state.pipeline?.jobs || job.childElementCount === state.pipeline.jobs.length) return;
    job.replaceChildren(...state.pipeline.jobs.toReversed().map((text) => element("option", {}, text)));
  }

  function showCategories() {
    const names = [...new Set((state.pipeline?.nodes ?? []).map((node) => node.category).filter(Boolean))];
    if (names.length !== known.childElementCount)
      known.replaceChildren(...names.map((text) => element("option", { value: text })));
  }
  on("activity", signal, showState);
  on("pipeline", signal, () => {
    showChoices();
    showCategories();
  });
  showChoices();
  showCategories();
  showState();
  return element(
    "section",
    { class: "launch", "aria-labelledby": "launch-title" },
    element("h3", { id: "launch-title" }, "Launch"),
    element(
      "div",
      { class: "fields" },
      field("Job", job),
      field("Category", category, "all, if empty"),
      known,
      field("Tags", tags),
      field("Workers", workers),
      look,
      cancel,
    ),
    outcome,
  );
}
