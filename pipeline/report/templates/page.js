// Which part of the page is shown, the search for a store, and sorting.

const views = [...document.querySelectorAll(".view")];
const shownCategory = document.getElementById("category");
const found = document.getElementById("found");
const search = document.getElementById("search");
const links = [...document.querySelectorAll("nav a")];
const categoryLinks = [...document.querySelectorAll("#category-list a")];
const title = document.title;

function surrounded() {
  surrounded.known ??= JSON.parse(document.getElementById("data-outside").textContent);
  return surrounded.known;
}

// What is drawn of the outside data, above its tables, once it is shown.
function drawOutside() {
  const holder = document.getElementById("surroundings");
  if (!holder || holder.childElementCount) return;
  const data = surrounded();
  if (!data) return;
  const known = stores();
  const points = known.id.map((_, at) => ({ position: at, x: data.x[at], y: data.y[at], cluster: known.external[at], confidence: known.confidence[at], hollow: data.outlier[at] })).filter((point) => point.cluster !== null);
  const drawn = [
    data.clusters.length > 1 ? surroundings(data.clusters, data.outside, "What each cluster on the outside data has") : null,
    points.some((point) => point.x !== null) ? plane(points, data.clusters, `Each mark is a store; near ones have surroundings alike. The two directions hold ${data.held[0]} % and ${data.held[1]} % of all differences in the outside data (principal components). Hollow marks are outliers.`) : null,
    between(data.likely, known.id.map((_, at) => at), "cluster on the outside data"),
  ];
  holder.replaceChildren(element("h3", {}, "In pictures"), ...drawn.filter(Boolean));
}

function drawStore(position) {
  const known = stores();
  let sales = 0;
  const rows = categoryLinks.flatMap((link, number) => {
    const data = category(number);
    const at = data.stores.at.indexOf(position);
    sales += data.stores.sales[at] ?? 0;
    return at < 0 ? [] : [[element("a", { href: `#category-${number}` }, name(data.name)), ...storeCells(data, at)]];
  });
  const outside = known.external[position];
  const likely = likelihood(surrounded()?.likely, position);
  return element("article", {},
    element("h2", { tabindex: "-1" }, "Store ", name(known.id[position])),
    known.labels[position] ? element("p", {}, name(known.labels[position])) : null,
    element("p", {}, outside === null ? "The outside data does not know this store." : `Cluster on the outside data: ${outside}${known.confidence[position] === null ? "" : `, confidence ${known.confidence[position]} %`}${likely ? `; ${likely}` : ""}.`),
    rows.length ? element("p", {}, `It sells ${sales.toLocaleString("en")} in ${rows.length === 1 ? "the category" : `the ${rows.length} categories`} below.`) : null,
    element("p", { class: "caption" }, `Its cluster in each of the ${rows.length} categories it sells. Next-nearest is where it would go if it left; a margin near 0 is a store on the border. Volume tier: 1 for the stores that sell the most of the category. Confidence: how often its co-members stay with it when the stores are resampled.`),
    table(["category", ...COLUMNS.slice(2)], rows, { label: "The store's clusters" }));
}

function drawMatches(text) {
  const wanted = text.trim().toLocaleLowerCase();
  const known = stores();
  const matches = known.id.map((_, at) => at).filter((at) => known.id[at].toLocaleLowerCase().includes(wanted) || known.labels[at].toLocaleLowerCase().includes(wanted));
  const exact = matches.filter((at) => known.id[at].toLocaleLowerCase() === wanted);
  if (exact.length === 1) return drawStore(exact[0]);
  if (matches.length === 1) return drawStore(matches[0]);
  const most = 50;
  return element("article", {},
    element("h2", { tabindex: "-1" }, matches.length ? `${matches.length} stores found` : "No store found"),
    element("p", {}, matches.length ? (matches.length > most ? `The first ${most}; type more of the number or name.` : "") : "No store with a cluster has this in its number or its labels. A store without one is listed, with the reason, under data quality."),
    element("ul", {}, matches.slice(0, most).map((at) => element("li", {}, element("a", { href: `#store-${at}` }, name(known.id[at]), known.labels[at] ? " " : null, known.labels[at] ? name(known.labels[at]) : null)))));
}

function show(part, content, focus) {
  if (part.id === "outside") drawOutside();
  for (const view of views) view.hidden = view !== part;
  for (const holder of [shownCategory, found]) {
    holder.hidden = holder !== part;
    if (holder === part) holder.replaceChildren(content);
    else holder.replaceChildren();
  }
  hideTip();
  const heading = part.querySelector("h2");
  document.title = heading ? `${heading.textContent} - ${title}` : title;
  if (focus) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function showAll() {
  drawOutside();
  for (const view of views) view.hidden = false;
  found.hidden = true;
  shownCategory.hidden = false;
  shownCategory.replaceChildren(...categoryLinks.map((_, number) => drawCategory(number)));
}

function route(focus = true) {
  const [, kind, number] = /^#(category|store)-(\d+)$/.exec(location.hash) || [];
  const at = Number(number);
  if (kind === "category" && at < categoryLinks.length) show(shownCategory, drawCategory(at), focus);
  else if (kind === "store" && at < stores().id.length) show(found, drawStore(at), focus);
  else if (location.hash === "#everything") showAll();
  else if (location.hash !== "#main") show(views.find((view) => `#${view.id}` === location.hash) || views[0], null, focus);
  for (const link of links) {
    if (link.hash === (location.hash || "#overview")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const up = heads[column].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head, at) => { at === column ? head.setAttribute("aria-sort", up ? "ascending" : "descending") : head.removeAttribute("aria-sort"); });
  const value = (row) => row.cells[column].textContent.trim();
  const numeric = [...table.tBodies[0].rows].every((row) => value(row) === "" || row.cells[column].classList.contains("number"));
  const compared = numeric ? (a, b) => Number(a.replaceAll(",", "") || -1) - Number(b.replaceAll(",", "") || -1) : (a, b) => a.localeCompare(b);
  const rows = [...table.tBodies[0].rows].sort((a, b) => (up ? 1 : -1) * compared(value(a), value(b)));
  table.tBodies[0].append(...rows);
}

for (const sortable of document.querySelectorAll("table.sortable")) {
  [...sortable.tHead.rows[0].cells].forEach((head, column) => head.firstElementChild.addEventListener("click", () => sortBy(sortable, column)));
}

search.addEventListener("focus", () => {
  const list = document.getElementById("store-list");
  if (!list.childElementCount) list.append(...stores().id.map((id, at) => element("option", { value: id }, stores().labels[at])));
}, { once: true });
search.addEventListener("change", () => {
  if (!search.value.trim()) return;
  history.pushState(null, "", "#search");
  show(found, drawMatches(search.value), false);
});
document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLocaleLowerCase();
  for (const link of categoryLinks) link.parentElement.hidden = !link.textContent.toLocaleLowerCase().includes(wanted);
});
addEventListener("hashchange", () => route());
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    search.focus();
  }
});
route(false);
