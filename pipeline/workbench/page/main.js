// Which view is shown: `#environment/view/subject`.
import { element, hideTip, name } from "./charts.js";
import { drawPipeline } from "./pipeline.js";
import { drawChanges, drawRuns } from "./runs.js";
import { drawSql } from "./sql.js";
import { changes, isRunning, outcomes, start, state, watch } from "./state.js";
import { drawTables } from "./tables.js";
import { problems } from "./words.js";

const VIEWS = {
  pipeline: ["Pipeline", drawPipeline],
  runs: ["Runs", drawRuns],
  tables: ["Tables", drawTables],
  sql: ["SQL", drawSql],
  changes: ["Changes", drawChanges],
};
const main = document.getElementById("main");
const chooser = document.getElementById("environment");
const now = document.getElementById("now");
const lost = document.getElementById("lost");
let view = null;
let shown = "";

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // somebody typed a %
  }
}

function asked() {
  const [env, kind, ...subject] = location.hash.slice(1).split("/").map(decoded);
  const environments = state.session.environments;
  return [
    environments.includes(env) ? env : environments.includes("dev") ? "dev" : environments[0],
    kind in VIEWS ? kind : "pipeline",
    subject.join("/"),
  ];
}

function drawLinks(env, kind) {
  const links = Object.entries(VIEWS).map(([key, [title]]) =>
    element(
      "li",
      {},
      element("a", { href: `#${env}/${key}`, ...(key === kind ? { "aria-current": "page" } : {}) }, title),
    ),
  );
  const report = element(
    "li",
    {},
    element("a", { href: `/report/${env}/`, target: "_blank", rel: "noopener" }, "Report"),
  );
  document.getElementById("views").replaceChildren(...links, report);
}

function route() {
  if (location.hash === "#main" || !state.session) return;
  const [env, kind, subject] = asked();
  if (env !== state.env) {
    Object.assign(state, {
      pipeline: null,
      runs: [],
      log: "",
      problem: "",
      hasEnded: false,
      activity: { running: [], holder: null, building: [] },
      events: new Map(),
    });
    watch(env);
  }
  state.subject = subject;
  if (kind === "pipeline" && shown === `${env}/${kind}`) {
    changes.dispatchEvent(new Event("subject")); // what is typed for a launch stays
    return;
  }
  chooser.value = env;
  drawLinks(env, kind);
  view?.abort();
  view = new AbortController();
  hideTip();
  main.replaceChildren(VIEWS[kind][1](subject, view.signal));
  document.title = `${VIEWS[kind][0]} - ${env} - workbench`;
  if (shown && shown !== `${env}/${kind}`) main.focus({ preventScroll: true });
  shown = `${env}/${kind}`;
}

// What somebody who is new here does first.
function toBegin() {
  const { nodes } = state.pipeline;
  if (nodes.some((node) => node.built_at)) return "";
  const first = nodes.some((node) => node.family === "SampleData") ? ", which begins with the sample data" : "";
  return state.session.read_only ? ": nothing is built yet" : `: nothing is built yet. Launch FullPipeline${first}`;
}

function sayNow() {
  if (state.problem) now.textContent = `The files of ${state.env} cannot be read: ${state.problem}`;
  else if (isRunning()) {
    const counts = Map.groupBy(outcomes().values(), (event) => event.event);
    const counted = [...counts].map(([event, list]) => `${list.length} ${event}`).join(", ");
    const by = state.activity.running.map((run) => `by ${run.user}`).join(", ");
    now.replaceChildren(
      element("strong", {}, `A run of ${state.env} is going on`),
      name(` ${by}${counted ? `: ${counted}` : ""}`),
    );
  } else if (state.hasEnded) now.textContent = "The run has ended. Looking at the tasks.";
  else if (state.pipeline?.errors.length) now.textContent = `The settings of ${state.env} cannot be used.`;
  else if (state.pipeline) {
    const [last] = state.runs;
    const stale = state.pipeline.nodes.filter((node) => node.reasons.length).length;
    now.replaceChildren(
      stale
        ? `${stale} of ${state.pipeline.nodes.length} tasks of ${state.env} are stale${toBegin()}.`
        : `All ${state.pipeline.nodes.length} tasks of ${state.env} are fresh.`,
      ...(stale && last?.status === "failed"
        ? [
            " ",
            element("a", { href: `#${state.env}/runs/${last.run_id}` }, "The last run failed"),
            name(`: ${last.error}`),
          ]
        : []),
    );
  } else now.textContent = "Looking at the tasks.";
  now.classList.toggle("running", isRunning());
}

for (const kind of ["pipeline", "activity", "runs"]) changes.addEventListener(kind, sayNow);
changes.addEventListener("lost", () => {
  lost.hidden = !state.lost;
});
chooser.addEventListener("change", () => {
  location.hash = `#${chooser.value}/${asked()[1]}`;
});
addEventListener("hashchange", route);

try {
  await start();
  document.getElementById("project").append(name(state.session.home), state.session.read_only ? ", read-only" : "");
  chooser.append(...state.session.environments.map((env) => element("option", {}, env)));
  if (state.session.environments.length) route();
  else main.append(problems(["there is no environment: write a file configs/dev.toml, then load this page again"]));
} catch (problem) {
  main.replaceChildren(problems(problem.lines ?? [String(problem)]));
}
