// What the page shows. All of it comes from the server, which reads it from the project's files; `changes` tells what is new.
import { get, post } from "./api.js";

export const state = {
  session: null,
  env: "",
  subject: "",
  pipeline: null,
  activity: { running: [], holder: null, building: [] },
  events: new Map(), // of each run that goes on, what became of its tasks
  runs: [],
  problem: "",
  hasEnded: false, // whether a run has ended, and the tasks were not judged since
  log: "",
  lost: false,
};
export const changes = new EventTarget();
const LONGEST_LOG = 200_000;
let stream = null;
let again = 0;

function tell(kind) {
  changes.dispatchEvent(new Event(kind));
}

export function on(kind, signal, react) {
  changes.addEventListener(kind, react, { signal });
}

export function of(part) {
  return `/api/${state.env}/${part}`;
}

export async function change(action, content) {
  return post(of(action), content, state.session.csrf);
}

async function readSession() {
  state.session = await get("/api/session");
}

export async function start() {
  await readSession();
  tell("session");
}

export async function readRuns() {
  state.runs = await get(of("runs"), { last: 200 });
  tell("runs");
}

function forgetEnded() {
  const running = new Set(state.activity.running.map((run) => run.run_id));
  for (const id of state.events.keys()) if (!running.has(id)) state.events.delete(id);
}

const REACTIONS = {
  "log-start": (text) => {
    state.log = text;
    tell("log");
  },
  log: (text) => {
    state.log = (state.log + text).slice(-LONGEST_LOG);
    tell("log");
  },
  activity: (activity) => {
    const ended = isRunning() && !activity.running.length && activity.holder === null;
    state.activity = activity;
    state.hasEnded = ended || (state.hasEnded && !isRunning());
    if (!state.hasEnded) forgetEnded(); // until the tasks are judged, what the run did with them is the best that is known
    tell("activity");
    if (ended) readRuns().catch(() => {});
  },
  events: ({ run_id, start, events }) => {
    state.events.set(run_id, [...(state.events.get(run_id) ?? []).slice(0, start), ...events]);
    tell("activity");
  },
  problem: (text) => {
    state.problem = text;
    tell("activity");
  },
  pipeline: (pipeline) => {
    state.pipeline = pipeline;
    state.hasEnded = false;
    forgetEnded();
    tell("pipeline");
    readRuns().catch(() => {});
  },
};

function setLost(lost) {
  if (state.lost === lost) return;
  state.lost = lost;
  tell("lost");
}

// The stream of an environment. A server that was started again has another secret, and then the browser asks anew.
export function watch(env) {
  clearTimeout(again);
  stream?.close();
  state.env = env;
  stream = new EventSource(of("events"));
  for (const [kind, react] of Object.entries(REACTIONS))
    stream.addEventListener(kind, (event) => react(JSON.parse(event.data)));
  stream.addEventListener("open", async () => {
    try {
      await readSession();
      setLost(false);
      await Promise.all([readPipeline(), readRuns()]);
    } catch {
      setLost(true);
    }
  });
  stream.addEventListener("error", () => {
    setLost(true);
    stream.close();
    again = setTimeout(() => watch(env), 1500);
  });
}

async function readPipeline() {
  state.pipeline = await get(of("pipeline"));
  tell("pipeline");
}

export function isRunning() {
  return state.activity.running.length > 0 || state.activity.holder !== null;
}

// What became of each task in the runs that go on now, by its name.
export function outcomes() {
  const events = [...state.events.values()].flat();
  return new Map(events.map((event) => [event.task, event]));
}

// The state of a task: a word, and a line that says why.
export function standing(node, events, building) {
  const event = events.get(node.task);
  if (event) return [event.event, event.error || event.reason || "what it reads is unchanged"];
  if (node.lock && building.has(node.lock)) return ["building", reason(node)];
  if (node.reasons.length) {
    const failure = lastFailure(node);
    if (failure && !isRunning()) return ["failed", failure];
    return [isRunning() ? "waiting" : "stale", reason(node)];
  }
  return ["fresh", ""];
}

// Why the last run failed at a task that is stale since; nothing otherwise.
export function lastFailure(node) {
  return state.runs[0]?.failures[node.task];
}

export function reason(node) {
  return node.reasons.length ? worded(node.reasons[0]) : "";
}

export function worded(given) {
  const change = given.old !== null && given.new !== null ? ` (${given.old} → ${given.new})` : "";
  return given.what ? `${given.kind}: ${given.what}${change}` : given.kind;
}
