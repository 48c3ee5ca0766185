// Clusters beside the chain: cells and bars whose colour says how far away they are. Every cell has its figure too.

const MOST_LINES = 30;
// Neither is a colour of a cluster.
const MORE = [158, 118, 196],
  LESS = [190, 168, 112];

// Violet is more, khaki is less, white is as the chain; `depth` is -1 to 1.
function tinted(cell, depth) {
  const full = depth >= 0 ? MORE : LESS;
  const share = Math.min(1, Math.abs(depth));
  cell.style.backgroundColor = `rgb(${full.map((part) => Math.round(255 - share * (255 - part))).join(",")})`;
  return cell;
}

function number(text, attributes = {}) {
  return element("td", { class: "number", ...attributes }, text);
}

function heatmap(label, heads, rows) {
  const head = element(
    "tr",
    {},
    heads.map((text) => element("th", { scope: "col" }, text)),
  );
  const body = rows.map(([first, ...cells]) => element("tr", {}, element("th", { scope: "row" }, first), cells));
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    element("table", { class: "heatmap" }, element("thead", {}, head), element("tbody", {}, body)),
  );
}

function heads(clusters) {
  return clusters.map((cluster) =>
    element("span", { title: label(cluster) }, swatch(cluster.number), ` ${cluster.number}`),
  );
}

// 100 is white, half and double are full.
function indexCell(index, attributes = {}) {
  const cell = number(index === null ? "" : String(index), { class: "number heat", ...attributes });
  return index === null ? cell : tinted(cell, Math.log2(Math.max(index, 1) / 100));
}

// What tells the clusters over all categories apart.
function overAll(chain) {
  const rows = chain.need.map((need, at) => [
    [name(chain.category[at]), ": ", name(need)],
    ...chain.index[at].map((index) => indexCell(index)),
    number(String(chain.explained[at])),
  ]);
  return figure(
    "What tells them apart most",
    `Share index within the category: 100 is the chain's share, 200 is twice as much, 50 is half. Explained: the share of the differences between stores that lies between the clusters. The table has the ${rows.length} need states with the highest share explained, of ${chain.of.toLocaleString("en")} that have at least 1 % of the sales of a cluster. The others are in the database.`,
    heatmap("What tells them apart most", ["category: need state", ...heads(chain.clusters), "explained %"], rows),
  );
}

// What each cluster of a category sells.
function needStates(data) {
  const explained = data.clusters.length > 1 && data.explained.some((share) => share !== null);
  const rows = data.needs.slice(0, MOST_LINES).map((need, at) => [
    name(need),
    number(data.chain[at] === null ? "" : data.chain[at].toFixed(1)),
    ...data.clusters.map((cluster, position) => {
      const index = data.index[position][at];
      return indexCell(index, {
        title: `${need}: ${data.share[position][at]} % of the sales of cluster ${cluster.number}, ${data.chain[at]} % of the chain's`,
      });
    }),
    ...(explained ? [number(data.explained[at] === null ? "" : String(data.explained[at]))] : []),
  ]);
  const more =
    data.needs.length > MOST_LINES
      ? ` The table has the ${MOST_LINES} largest of ${data.needs.length} need states. The others are in the workbook's sheet profiles.`
      : "";
  const between = explained
    ? " Explained: the share of the differences between stores that lies between the clusters. Near 0, the clusters say nothing about this need state. Empty: it is too rare to be a feature of its own."
    : "";
  return figure(
    "What each cluster sells",
    `Share index: 100 is the chain's share of sales, 200 is twice as much, 50 is half. Violet is more, khaki is less.${between}${more}`,
    heatmap(
      "Share indices",
      ["need state", "chain %", ...heads(data.clusters), ...(explained ? ["explained %"] : [])],
      rows,
    ),
  );
}

// What surrounds each cluster: means, coloured by how many standard deviations of the stores they are away; one is full.
function surroundings(clusters, outside, title) {
  if (!outside) return null;
  const rows = outside.features.slice(0, MOST_LINES).map((feature, at) => [
    outside.logged[at] ? [name(feature), " (typical)"] : name(feature),
    number(shown(outside.chain[at])),
    ...clusters.map((cluster, position) => {
      const [mean, apart] = [outside.mean[position][at], outside.apart[position][at]];
      if (mean === null) return number("");
      const cell = number(shown(mean), { class: "number heat" });
      return apart === null ? cell : tinted(filled(cell, {}, [" ", element("small", {}, signed(apart))]), apart);
    }),
    number(outside.explained[at] === null ? "" : String(outside.explained[at])),
  ]);
  const more =
    outside.features.length > MOST_LINES
      ? ` The table has the ${MOST_LINES} features with the largest differences, of ${outside.features.length}. The others are in the database.`
      : "";
  const typical = outside.logged.some(Boolean)
    ? " Typical: the mean of the logarithms, transformed back. The largest stores count less in it."
    : "";
  return figure(
    title,
    `The mean over the cluster's stores, and its distance from the mean of all stores in standard deviations. Violet is more, khaki is less. In a small cluster, half a standard deviation means nothing. Explained: the share of the differences between stores that lies between the clusters.${typical}${more}`,
    heatmap(title, ["feature", "all stores", ...heads(clusters), "explained %"], rows),
  );
}

function shown(value) {
  if (value === null) return "";
  return value.toLocaleString(
    "en",
    Math.abs(value) < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}

function signed(value) {
  return `${value > 0 ? "+" : value < 0 ? "\u2212" : "\u00b1"}${Math.abs(value).toFixed(1)}`;
}

// How many stores of each cluster are in which tier of sales: a bar per cluster, the tier that sells most first.
function volumes(data) {
  const tiers = Math.max(0, ...data.stores.tier);
  if (!tiers) return null;
  const rows = data.clusters.map((cluster) => {
    const own = data.stores.tier.filter((tier, at) => tier !== null && data.stores.cluster[at] === cluster.number);
    const counts = Array.from({ length: tiers }, (_, tier) => own.filter((each) => each === tier + 1).length);
    return {
      cluster: cluster.number,
      each: own.length ? Math.round(cluster.sales / own.length) : 0,
      counts,
      of: own.length,
    };
  });
  const most = Math.max(1, ...rows.map((row) => row.of));
  const [width, left, right, step] = [560, 40, 150, 26];
  const chart = drawn("svg", { viewBox: `0 0 ${width} ${rows.length * step + 6}`, class: "volumes" });
  const marks = [];
  rows.forEach((row, line) => {
    const y = line * step + 4;
    let x = left;
    chart.append(mark(row.cluster, 10, y + 9, 5), drawn("text", { x: 20, y: y + 13 }, String(row.cluster)));
    row.counts.forEach((count, tier) => {
      const wide = (count / most) * (width - left - right);
      if (!count) return;
      const body = drawn("rect", {
        x,
        y,
        width: wide,
        height: 18,
        fill: shade(tier, tiers),
        stroke: "#333",
        "stroke-width": 0.5,
      });
      chart.append(body);
      if (wide > 20)
        chart.append(
          drawn(
            "text",
            { x: x + wide / 2, y: y + 13, "text-anchor": "middle", class: tier < tiers / 2 ? "on-dark" : "" },
            String(count),
          ),
        );
      marks.push({
        shape: body,
        text: `cluster ${row.cluster}: ${count} of ${counted(row.of, "store", "stores")} in tier ${tier + 1} of ${tiers}`,
      });
      x += wide;
    });
    chart.append(drawn("text", { x: x + 6, y: y + 13 }, `${row.each.toLocaleString("en")} a store`));
  });
  const key = element(
    "ul",
    { class: "key" },
    rows[0].counts.map((_, tier) =>
      element(
        "li",
        {},
        drawn(
          "svg",
          { width: 16, height: 16, viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true" },
          drawn("rect", { x: 2, y: 2, width: 12, height: 12, fill: shade(tier, tiers), stroke: "#333" }),
        ),
        ` tier ${tier + 1}${tiers > 1 && !tier ? ", sells most" : ""}`,
      ),
    ),
  );
  return figure(
    "How big the stores are",
    "The stores of each cluster by volume tier (their sales in the category), and the mean sales per store. All tiers have the same number of stores. Only the sales mix makes the clusters, never the size.",
    explained(chart, marks, "Stores by cluster and volume tier."),
    key,
  );
}

function shade(tier, tiers) {
  const share = tiers > 1 ? tier / (tiers - 1) : 0;
  const grey = Math.round(70 + share * 165);
  return `rgb(${grey},${grey},${grey})`;
}

// The stores that a mixture places between clusters, the most undecided first.
function between(likely, at, side) {
  if (!likely) return null;
  const most = 100;
  const sure = (row) => Math.max(...likely.percent[row]);
  const split = at
    .map((_, row) => row)
    .filter((row) => likely.percent[row] && sure(row) < 90)
    .sort((a, b) => sure(a) - sure(b));
  if (!split.length)
    return element(
      "p",
      { class: "caption" },
      "Every store is in one of the clusters with a probability of at least 90 %.",
    );
  const rows = split
    .slice(0, most)
    .map((row) => [
      storeLink(at[row]),
      ...likely.percent[row].map((share) => tinted(number(String(share), { class: "number heat" }), share / 100)),
    ]);
  const more =
    split.length > most ? ` These are the first ${most} of ${split.length}. The others are in the database.` : "";
  return figure(
    "Stores between clusters",
    `The probability of each ${side} cluster for each store, in percent; its numbers are not those of the final clusters. The table has the stores below 90 % in every cluster.${more}`,
    heatmap("Stores between clusters", ["store", ...likely.clusters.map((number) => `${side} ${number}`)], rows),
  );
}

function likelihood(likely, row) {
  if (!likely || !likely.percent[row]) return "";
  const shares = likely.percent[row]
    .map((share, at) => [share, likely.clusters[at]])
    .filter(([share]) => share)
    .sort(([a], [b]) => b - a);
  return `likely in ${shares.map(([share, cluster]) => `${cluster} (${share} %)`).join(", ")}`;
}
