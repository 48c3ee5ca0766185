// Which part of the page is shown, the search for a store, and sorting.

const views = [...document.querySelectorAll(".view")];
const shownCategory = document.getElementById("category");
const searchResult = document.getElementById("found");
const search = document.getElementById("search");
const links = [...document.querySelectorAll("nav a")];
const categoryLinks = [...document.querySelectorAll("#category-list a")];
const notice = document.getElementById("notice");
const title = document.title;

// What there is of the outside data, and over all categories; null where there is none.
function data(part) {
  data.parsed ??= new Map();
  if (!data.parsed.has(part)) data.parsed.set(part, JSON.parse(document.getElementById(`data-${part}`).textContent));
  return data.parsed.get(part);
}

// Pictures stand above the tables of their part, and are drawn once it is shown.
function drawAbove(part, pictures) {
  const holder = document.getElementById(`drawn-${part}`);
  if (!holder || holder.childElementCount || !data(part)) return;
  holder.replaceChildren(element("h3", {}, "In pictures"), ...pictures(data(part)).filter(Boolean));
}

// Every category with its number, few in memory at a time, until something else is wanted; says how far it is.
async function* everyCategory(isWanted) {
  const ahead = 4; // the browser unpacks beside the script
  const asked = [];
  for (let number = 0; number < categoryLinks.length; number += 1) {
    while (asked.length < Math.min(number + ahead, categoryLinks.length)) asked.push(category(asked.length));
    if (number % 10 === 9) tell(`Reading the categories: ${number + 1} of ${categoryLinks.length}`);
    const each = await asked[number];
    if (!isWanted()) return;
    yield [number, each];
    asked[number] = null;
  }
}

// What the page is doing, or why it cannot; nothing hides it.
function tell(text = "") {
  notice.textContent = text;
  notice.hidden = !text;
}

function outsidePictures(outside) {
  const all = stores();
  const points = all.id
    .map((_, at) => ({
      position: at,
      x: outside.x[at],
      y: outside.y[at],
      cluster: all.external[at],
      confidence: all.confidence[at],
      hollow: outside.outlier[at],
    }))
    .filter((point) => point.cluster !== null);
  return [
    outside.clusters.length > 1
      ? surroundings(outside.clusters, outside.outside, "What each cluster on the outside data has")
      : null,
    points.some((point) => point.x !== null)
      ? plane(
          points,
          outside.clusters,
          `Each mark is a store. Stores that are close have similar surroundings. The two directions hold ${outside.held[0]} % and ${outside.held[1]} % of all differences in the outside data (principal components). Hollow marks are outliers.`,
        )
      : null,
    between(
      outside.likely,
      all.id.map((_, at) => at),
      "outside",
    ),
    outside.k_figures.k.length ? evidence(outside.k_figures, "") : null,
  ];
}

function chainPictures(chain) {
  const sizes = chain.clusters
    .map((cluster) => `cluster ${cluster.number} has ${cluster.stores.toLocaleString("en")}`)
    .join(", ");
  const summary = element(
    "p",
    {},
    `Of ${counted(chain.at.filter((number) => number !== null).length, "store", "stores")}, ${sizes}.`,
  );
  const why = chain.k_figures.k.length ? evidence(chain.k_figures, "") : null;
  return chain.clusters.length > 1 ? [summary, overAll(chain), why] : [summary, why];
}

async function drawStore(position, isWanted) {
  const all = stores();
  const chain = data("chain");
  let sales = 0;
  const rows = [];
  for await (const [number, each] of everyCategory(isWanted)) {
    const at = each.stores.at.indexOf(position);
    if (at < 0) continue;
    sales += each.stores.sales[at] ?? 0;
    rows.push([element("a", { href: `#category-${number}` }, name(each.name)), ...storeCells(each, at)]);
  }
  const outside = all.external[position];
  const likely = likelihood(data("outside")?.likely, position);
  return element(
    "article",
    {},
    element("h2", { tabindex: "-1" }, "Store ", name(all.id[position])),
    all.labels[position] ? element("p", {}, name(all.labels[position])) : null,
    element(
      "p",
      {},
      outside === null
        ? "This store is not in the outside data."
        : `Cluster on the outside data: ${outside}${all.confidence[position] === null ? "" : `, confidence ${all.confidence[position]} %`}${likely ? `; ${likely}` : ""}.`,
    ),
    chain && chain.at[position] !== null
      ? element(
          "p",
          {},
          `Cluster over all categories: ${chain.at[position]} of ${chain.clusters.length}${chain.confidence[position] === null ? "" : `, confidence ${chain.confidence[position]} %`}.`,
        )
      : null,
    rows.length
      ? element(
          "p",
          {},
          `It sells ${sales.toLocaleString("en")} in ${rows.length === 1 ? "the category" : `the ${rows.length} categories`} below.`,
        )
      : null,
    element(
      "p",
      { class: "caption" },
      `The store's final cluster in ${rows.length === 1 ? "the category" : `each of the ${rows.length} categories`} that it sells. Next-nearest: the final cluster that it would join if it left its own. A margin near 0 means a store on the border. Volume tier 1: the stores that sell the most of the category. Confidence: how likely the store is in its cluster on the sales mix when the stores are resampled; empty where there is one cluster, or somebody placed the store by hand.`,
    ),
    table(["category", ...COLUMNS.slice(2)], rows, { label: "The store's clusters" }),
  );
}

async function drawMatches(text, isWanted) {
  const wanted = text.trim().toLocaleLowerCase();
  const all = stores();
  const matches = all.id
    .map((_, at) => at)
    .filter(
      (at) => all.id[at].toLocaleLowerCase().includes(wanted) || all.labels[at].toLocaleLowerCase().includes(wanted),
    );
  const exact = matches.filter((at) => all.id[at].toLocaleLowerCase() === wanted);
  if (exact.length === 1) return drawStore(exact[0], isWanted);
  if (matches.length === 1) return drawStore(matches[0], isWanted);
  const most = 50;
  return element(
    "article",
    {},
    element(
      "h2",
      { tabindex: "-1" },
      matches.length ? `${counted(matches.length, "store", "stores")} found` : "No store found",
    ),
    element(
      "p",
      {},
      matches.length
        ? matches.length > most
          ? `These are the first ${most}. Type more of the number or the name.`
          : ""
        : "No store with a cluster has this text in its number or its labels. Stores without a cluster are listed under data quality, with the reason.",
    ),
    element(
      "ul",
      {},
      matches
        .slice(0, most)
        .map((at) =>
          element(
            "li",
            {},
            element(
              "a",
              { href: `#store-${at}` },
              name(all.id[at]),
              all.labels[at] ? " " : null,
              all.labels[at] ? name(all.labels[at]) : null,
            ),
          ),
        ),
    ),
  );
}

function drawPictures(part) {
  if (part === "outside") drawAbove(part, outsidePictures);
  if (part === "chain") drawAbove(part, chainPictures);
}

function show(part, content, focus) {
  drawPictures(part.id);
  for (const view of views) view.hidden = view !== part;
  for (const holder of [shownCategory, searchResult]) {
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

async function showAll(isWanted) {
  drawPictures("outside");
  drawPictures("chain");
  for (const view of views) view.hidden = false;
  searchResult.hidden = true;
  shownCategory.hidden = false;
  shownCategory.replaceChildren();
  for await (const [, each] of everyCategory(isWanted)) {
    shownCategory.append(drawCategory(each));
  }
}

// A search that somebody cut or typed by hand may not be a valid escape.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Another page links to a category by its name: its number may be another one in the next report.
function subject() {
  const [, kind, number] = /^#(category|store)-(\d+)$/.exec(location.hash) || [];
  if (kind) return [kind, Number(number)];
  const [, named] = /^#named-(.+)$/.exec(location.hash) || [];
  return named ? ["category", categoryLinks.findIndex((link) => link.textContent === decoded(named))] : [];
}

// The part that the address names; a later one is shown instead, if it is asked for while this one is read.
async function draw(isWanted, focus) {
  const [kind, at] = subject();
  const [, wanted] = /^#search=(.*)$/.exec(location.hash) || [];
  const shown = (part, content) => isWanted() && show(part, content, focus);
  if (kind === "category" && at in categoryLinks) shown(shownCategory, drawCategory(await category(at)));
  else if (kind === "store" && at < stores().id.length) shown(searchResult, await drawStore(at, isWanted));
  else if (wanted !== undefined) {
    search.value = decoded(wanted);
    shown(searchResult, await drawMatches(search.value, isWanted));
  } else if (location.hash === "#everything") await showAll(isWanted);
  else if (location.hash !== "#main") shown(views.find((view) => `#${view.id}` === location.hash) || views[0], null);
}

async function route(focus = true) {
  route.count = (route.count ?? 0) + 1;
  const own = route.count;
  const isWanted = () => own === route.count;
  try {
    await draw(isWanted, focus);
    if (!isWanted()) return;
    tell();
  } catch (error) {
    if (!isWanted()) return;
    tell(
      typeof DecompressionStream === "undefined"
        ? "This browser is too old to read the categories in this file. Open it in a newer one: Chrome or Edge 80, Firefox 113, Safari 16.4 or later."
        : `This cannot be shown: ${error.message}. If the file was cut off on its way, copy it again.`,
    );
  }
  for (const link of links) {
    if (link.hash === (location.hash || "#overview")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const up = heads[column].getAttribute("aria-sort") !== "ascending";
  heads.forEach((head, at) => {
    if (at === column) head.setAttribute("aria-sort", up ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
  const value = (row) => row.cells[column].textContent.trim();
  const numeric = [...table.tBodies[0].rows].every(
    (row) => value(row) === "" || row.cells[column].classList.contains("number"),
  );
  const compared = numeric
    ? (a, b) => Number(a.replaceAll(",", "") || -1) - Number(b.replaceAll(",", "") || -1)
    : (a, b) => a.localeCompare(b);
  const rows = [...table.tBodies[0].rows].sort((a, b) => (up ? 1 : -1) * compared(value(a), value(b)));
  table.tBodies[0].append(...rows);
}

for (const sortable of document.querySelectorAll("table.sortable")) {
  [...sortable.tHead.rows[0].cells].forEach((head, column) =>
    head.firstElementChild.addEventListener("click", () => sortBy(sortable, column)),
  );
}

search.addEventListener(
  "focus",
  () => {
    const list = document.getElementById("store-list");
    if (!list.childElementCount)
      list.append(...stores().id.map((id, at) => element("option", { value: id }, stores().labels[at])));
  },
  { once: true },
);
search.addEventListener("change", () => {
  if (!search.value.trim()) return;
  history.pushState(null, "", `#search=${encodeURIComponent(search.value.trim())}`);
  route(false);
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
