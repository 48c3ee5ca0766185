// Figures and states in words, and the small parts that several views show.
import { element, name } from "./charts.js";

export function seconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  const minutes = Math.floor(Math.round(value) / 60);
  const rest = String(Math.round(value) % 60).padStart(2, "0");
  return minutes < 60
    ? `${minutes} min ${rest} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB"];
  const step = value ? Math.min(units.length - 1, Math.floor(Math.log10(value) / 3)) : 0;
  return `${(value / 1000 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}

// Records hold UTC; people read their own clock.
export function moment(text) {
  return text ? new Date(`${text}Z`).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" }) : "";
}

export function took(run) {
  return run.finished_at ? (new Date(run.finished_at) - new Date(run.started_at)) / 1000 : null;
}

export function tags(run) {
  return Object.entries(run.tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

export function badge(word) {
  return element("span", { class: `badge state-${word.replace(" ", "-")}` }, word);
}

export function problems(lines) {
  return element(
    "div",
    { class: "notice problems", role: "alert" },
    element(
      "ul",
      {},
      lines.map((line) => element("li", {}, name(line))),
    ),
  );
}

export function button(text, react, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", react);
  return made;
}

// A command for a terminal, to copy.
export function command(text) {
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
  });
  return element("p", { class: "command" }, element("code", {}, text), " ", copy);
}

export function field(label, input, note) {
  const wrapped = element("label", {}, label, " ", input);
  return element("p", { class: "field" }, wrapped, note ? element("small", {}, note) : null);
}
