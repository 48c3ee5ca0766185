// Runs: what goes on, the log as it grows, the history as a picture, one run in full; and the changes asked for on this page.
import { drawn, element, explained, name, table } from "./charts.js";
import { get } from "./api.js";
import { isRunning, of, on, outcomes, state } from "./state.js";
import { badge, moment, problems, seconds, tags, took } from "./words.js";

const NEWEST = 50; // tasks of a run that goes on

export function drawRuns(subject, signal) {
  const [now, past, log, one] = ["now-running", "history", "log-part", "run-part"].map((id) =>
    element("section", { id }),
  );
  const text = element("pre", { class: "log", tabindex: "0", "aria-label": "The log" });
  log.append(element("h3", {}, "Log"), text);
  const showLog = () => {
    const follows = text.scrollTop + text.clientHeight >= text.scrollHeight - 8;
    text.textContent = state.log || "The log is empty.";
    if (follows) text.scrollTop = text.scrollHeight;
  };
  const showNow = () => now.replaceChildren(...drawNow());
  const showPast = async () => {
    past.replaceChildren(element("h3", {}, "History"), ...drawHistory());
    if (!subject) return;
    try {
      one.replaceChildren(...drawRun(await get(of(`runs/${encodeURIComponent(subject)}`))));
    } catch (problem) {
      one.replaceChildren(problems(problem.lines ?? [String(problem)]));
    }
  };
  on("log", signal, showLog);
  on("activity", signal, showNow);
  on("pipeline", signal, showNow);
  on("runs", signal, showPast);
  showNow();
  showPast();
  requestAnimationFrame(() => {
    showLog();
    text.scrollTop = text.scrollHeight;
  });
  return element("div", {}, element("h2", {}, "Runs"), now, one, past, log);
}

function drawNow() {
  if (!isRunning()) return [element("p", {}, "No run is going on.")];
  const events = outcomes();
  const building = new Set(state.activity.building);
  const nodes = state.pipeline?.nodes ?? [];
  const open = nodes.filter((node) => node.reasons.length && node.lock && !events.has(node.task));
  const done = events.size;
  const bar = element("progress", {
    max: String(done + open.length),
    value: String(done),
    "aria-label": "Progress of the run",
  });
  const rows = [
    ...nodes
      .filter((node) => building.has(node.lock) && !events.has(node.task))
      .map((node) => [node.task, badge("building"), "", ""]),
    ...[...events.values()].slice(-NEWEST).toReversed().map(row),
  ];
  const errors = [...events.values()].filter((event) => event.error).map((event) => event.error);
  return [
    element("h3", {}, "Now"),
    element("p", {}, bar, ` ${done} of ${done + open.length} tasks`),
    ...state.activity.running.map((run) => element("p", { class: "caption" }, name(`${run.command} ${tags(run)}`))),
    errors.length ? problems(errors) : "",
    table(["task", "state", "took", "because"], rows, { label: "Tasks of the run" }),
    done > NEWEST
      ? element(
          "p",
          { class: "caption" },
          `The newest ${NEWEST}; all tasks of `,
          state.activity.running.map((run) => element("a", { href: `#${state.env}/runs/${run.run_id}` }, run.run_id)),
        )
      : "",
  ];
}

function row(event) {
  const why = event.error ?? event.reason ?? "what it reads is unchanged";
  return [event.task, badge(event.event), event.seconds === undefined ? "" : seconds(event.seconds), why];
}

function drawHistory() {
  if (!state.runs.length)
    return [element("p", {}, "No run has built anything yet. A run with nothing to do leaves no record.")];
  const rows = state.runs.map((run) => [
    element("a", { href: `#${state.env}/runs/${run.run_id}` }, run.run_id),
    moment(run.started_at),
    took(run) === null ? "" : seconds(took(run)),
    badge(run.status),
    run.user,
    tags(run),
    ...["built", "cut off", "failed"].map((kind) => run.counts[kind] ?? 0),
    run.error,
  ]);
  const heads = ["run", "started", "took", "outcome", "who", "tags", "built", "cut off", "failed", "error"];
  return [picture(state.runs.slice(0, 60).toReversed()), table(heads, rows, { label: "Runs" })];
}

// A bar per run, as high as it took; its outcome by colour, and by a mark for those that failed.
function picture(runs) {
  const [height, width, foot] = [90, 14, 14];
  const longest = Math.max(1, ...runs.map((run) => took(run) ?? 0));
  const chart = drawn("svg", { viewBox: `0 0 ${Math.max(300, runs.length * width)} ${height + foot}`, class: "bars" });
  const marks = runs.map((run, at) => {
    const high = Math.max(2, ((took(run) ?? 0) / longest) * (height - 6));
    const bar = drawn("rect", {
      x: at * width + 2,
      y: height - high,
      width: width - 4,
      height: high,
      class: `bar-${run.status}`,
    });
    chart.append(bar);
    if (run.status !== "done")
      chart.append(
        drawn("text", { x: at * width + width / 2, y: height + 11, "text-anchor": "middle" }, run.status[0]),
      );
    return {
      shape: bar,
      text: `${moment(run.started_at)}: ${run.status}, ${took(run) === null ? "no end" : seconds(took(run))} ${tags(run)}`,
    };
  });
  return element(
    "figure",
    {},
    explained(chart, marks, "Duration of each run."),
    element(
      "figcaption",
      {},
      `The duration of each run, the newest on the right; the longest took ${seconds(longest)}. f: failed, i: interrupted, r: running.`,
    ),
  );
}

function drawRun(run) {
  const findings = run.events.flatMap((event) => event.findings ?? []);
  const errors = run.events.filter((event) => event.error).map((event) => event.error);
  return [
    element("h3", {}, name(`Run ${run.run_id}`)),
    element(
      "p",
      {},
      badge(run.status),
      name(
        ` by ${run.user} on ${run.host}, ${moment(run.started_at)}${tags(run) ? `, ${tags(run)}` : ""}; ${run.fresh} tasks were fresh`,
      ),
    ),
    run.command ? element("p", { class: "caption" }, element("code", {}, run.command)) : "",
    errors.length ? problems(errors) : "",
    findings.length
      ? element(
          "div",
          { class: "notice" },
          element("h4", {}, "What to look at"),
          element(
            "ul",
            {},
            findings.map((text) => element("li", {}, name(text))),
          ),
        )
      : "",
    ...run.alerts.map((alert) =>
      element(
        "p",
        {},
        name(`Alert, ${moment(alert.at)}: ${alert.title}`),
        alert.problems.length ? problems(alert.problems) : null,
      ),
    ),
    table(["task", "state", "took", "because"], run.events.map(row), { label: "Tasks of the run" }),
  ];
}

export function drawChanges(_subject, signal) {
  const holder = element("div", {});
  const show = async () => {
    try {
      const lines = await get(of("audit"));
      const rows = lines.map((line) => [
        moment(line.at),
        line.who,
        line.action,
        line.command ?? line.run_id ?? "",
        line.because ?? "",
        line.origin,
      ]);
      holder.replaceChildren(
        lines.length
          ? table(["when", "who", "what", "command or run", "because", "from where"], rows, { label: "Changes" })
          : element("p", {}, "Nothing was launched or cancelled on this page."),
      );
    } catch (problem) {
      holder.replaceChildren(problems(problem.lines));
    }
  };
  on("activity", signal, show);
  show();
  return element(
    "div",
    {},
    element("h2", {}, "Changes"),
    element("p", { class: "caption" }, "What was launched and cancelled on this page, the newest first."),
    holder,
  );
}
