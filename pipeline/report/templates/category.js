// One category: who is in which cluster, what sets the clusters apart, and how far to trust that.

const COLUMNS = [
  "store",
  "labels",
  "cluster",
  "next-nearest",
  "sales",
  "volume tier",
  "confidence %",
  "margin %",
  "silhouette",
  "position",
  "remarks",
];

function stores() {
  stores.parsed ??= JSON.parse(document.getElementById("stores").textContent);
  return stores.parsed;
}

function category(position) {
  category.parsed ??= new Map();
  if (!category.parsed.has(position))
    category.parsed.set(position, JSON.parse(document.getElementById(`data-${position}`).textContent));
  return category.parsed.get(position);
}

function label(cluster) {
  return cluster.name ? `${cluster.number}: ${cluster.name}` : `${cluster.number}`;
}

// The final cluster of the internal cluster whose centroid is next-nearest, on the store's own side outside.
function nextNearest(data, at, named) {
  const wanted = data.stores.next[at];
  if (wanted === null) return "";
  const next = data.clusters.find(
    (cluster) => cluster.internal === wanted && cluster.external === data.stores.external[at],
  );
  return next ? named(next) : `sales-mix cluster ${wanted}`;
}

function remarks(data, at) {
  const texts = [];
  if (data.stores.outlier[at]) texts.push("outlier: unlike any cluster");
  if (data.stores.held[at]) texts.push("held out of the fit by the settings");
  if (data.stores.overridden[at]) texts.push("placed by hand");
  if (data.stores.moved[at]) texts.push("moved by merging");
  if (data.stores.external[at] === null) texts.push("no outside data");
  if (data.likely?.percent[at]) texts.push(`sales mix: ${likelihood(data.likely, at)}`);
  return texts.join("; ");
}

function storeCells(data, at, named = label) {
  const fields = data.stores;
  const own = data.clusters.find((cluster) => cluster.number === fields.cluster[at]);
  return [
    own ? named(own) : String(fields.cluster[at]),
    nextNearest(data, at, named),
    fields.sales[at],
    fields.tier[at],
    fields.confidence[at],
    fields.margin[at],
    fields.silhouette[at] === null ? null : fields.silhouette[at] / 100,
    fields.position[at],
    remarks(data, at),
  ];
}

function storeLink(position) {
  return element("a", { href: `#store-${position}` }, name(stores().id[position]));
}

function clusterCards(data) {
  const total = data.clusters.reduce((sum, cluster) => sum + cluster.stores, 0);
  const sales = data.clusters.reduce((sum, cluster) => sum + cluster.sales, 0);
  return element(
    "ol",
    { class: "cards" },
    data.clusters.map((cluster, position) => {
      const facts = [
        `${cluster.stores.toLocaleString("en")} stores (${Math.round((100 * cluster.stores) / total)} %)`,
        sales > 0 ? `${Math.round((100 * cluster.sales) / sales)} % of sales` : null,
        cluster.stores ? `${Math.round(cluster.sales / cluster.stores).toLocaleString("en")} a store` : null,
        cluster.confidence === null ? null : `confidence ${cluster.confidence} %`,
        data.clusters.length > 1 ? `differs from the chain in ${cluster.apart} % of its sales` : null,
        cluster.outliers ? `${cluster.outliers} ${cluster.outliers === 1 ? "outlier" : "outliers"}` : null,
        cluster.moved ? `${cluster.moved} moved in by merging` : null,
      ].filter(Boolean);
      const list = (title, texts) =>
        texts.length
          ? element(
              "p",
              {},
              element("strong", {}, `${title} `),
              texts.flatMap((text, at) => [at ? "; " : "", name(text)]),
            )
          : null;
      return element(
        "li",
        {},
        element("h4", {}, swatch(cluster.number), " Cluster ", name(label(cluster))),
        element("p", { class: "facts" }, facts.join(" · ")),
        list("Sells more of:", cluster.more),
        list("Sells less of:", cluster.less),
        cluster.more.length + cluster.less.length ? null : element("p", {}, likeTheChain(data, cluster)),
        data.outside
          ? [
              list("Around them, more:", data.outside.more[position]),
              list("Around them, less:", data.outside.less[position]),
            ]
          : null,
        list("Typical stores:", cluster.exemplars),
        members(data, cluster),
        element("p", { class: "note" }, `${cluster.note}.`),
      );
    }),
  );
}

// Steps along one scale, in its order: where one direction holds most of the differences in the mix.
function scale(data) {
  if (data.verdict !== "tiers" || data.clusters.length < 3 || data.held[0] < 60) return null;
  const middle = (cluster) => {
    const own = data.x.filter((x, at) => x !== null && data.stores.cluster[at] === cluster.number);
    return own.reduce((sum, x) => sum + x, 0) / Math.max(1, own.length);
  };
  const order = [...data.clusters].sort((a, b) => middle(a) - middle(b)).map((cluster) => cluster.number);
  return element(
    "p",
    {},
    `From one end of the scale to the other: ${order.join(" \u2013 ")}. One direction holds ${data.held[0]} % of the differences between the stores.`,
  );
}

function members(data, cluster) {
  const details = element("details", {}, element("summary", {}, `Its ${cluster.stores.toLocaleString("en")} stores`));
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    const own = data.stores.at.map((_, at) => at).filter((at) => data.stores.cluster[at] === cluster.number);
    for (const tier of [...new Set(own.map((at) => data.stores.tier[at]))].sort((a, b) => (a ?? 99) - (b ?? 99))) {
      const of = own
        .filter((at) => data.stores.tier[at] === tier)
        .sort((a, b) => data.stores.sales[b] - data.stores.sales[a]);
      const title = tier === null ? null : element("strong", {}, `Volume tier ${tier}: `);
      details.append(
        element(
          "p",
          {},
          title,
          of.flatMap((at, after) => [after ? ", " : "", storeLink(data.stores.at[at])]),
        ),
      );
    }
  });
  return details;
}

function likeTheChain(data, cluster) {
  if (data.clusters.length === 1) return "The chain's own mix.";
  const sameMix = data.clusters.some((other) => other !== cluster && other.internal === cluster.internal);
  return sameMix ? "Sells like the chain. Only the outside data sets it apart." : "Sells almost like the chain.";
}

function storeMap(data) {
  const fields = data.stores;
  const points = fields.at.map((position, at) => ({
    position,
    x: data.x[at],
    y: data.y[at],
    cluster: fields.cluster[at],
    confidence: fields.confidence[at],
    hollow: fields.outlier[at],
  }));
  return plane(
    points,
    data.clusters,
    `Each mark is a store. Stores that are close sell similar things. The two directions hold ${data.held[0]} % and ${data.held[1]} % of all differences in the sales mix (principal components); the map cannot show the rest. Hollow marks are outliers. Clusters that differ in the outside data only lie on top of each other.`,
  );
}

// Stores on a plane; points are {position, x, y, cluster, confidence, hollow}.
function plane(points, clusters, caption) {
  const all = stores();
  const marks = points.map((point) => {
    const [id, labels] = [all.id[point.position], all.labels[point.position]];
    return {
      ...point,
      text: `store ${id}${labels ? `, ${labels}` : ""}: cluster ${point.cluster}${point.confidence === null ? "" : `, confidence ${point.confidence} %`}${point.hollow ? ", outlier" : ""}`,
    };
  });
  const legend = element(
    "ul",
    { class: "key" },
    clusters.map((cluster) => element("li", {}, swatch(cluster.number), " ", name(label(cluster)))),
  );
  return figure("The stores on a map", caption, map(marks, "Map of the stores."), legend);
}

function evidence(data) {
  const figures = data.k_figures;
  const row = (title, key, better) => line(figures.k, figures[key], data.chosen, title, better);
  const rows = figures.k.map((k, at) => [
    k,
    figures.bic[at],
    figures.silhouette[at],
    figures.stability[at],
    figures.jaccard[at],
    figures.smallest_cluster[at],
    data.chosen.includes(k) ? "taken" : "",
  ]);
  return figure(
    "Why this number of clusters",
    "Each figure for every number of clusters k that was tried. The filled mark is the chosen k. Stability and Jaccard: how well the same clusters appear again when the stores are resampled.",
    element("p", {}, data.reason ? `${data.reason}.` : ""),
    element(
      "div",
      { class: "multiples" },
      row("BIC", "bic", "lower is better"),
      row("Stability", "stability", "1 is perfect"),
      row("Jaccard", "jaccard", "of the weakest cluster"),
      row("Silhouette", "silhouette", "higher is better"),
    ),
    element(
      "details",
      {},
      element("summary", {}, "The figures"),
      table(["k", "BIC", "silhouette", "stability", "Jaccard", "smallest cluster", ""], rows, {
        label: "Figures for every k",
      }),
    ),
  );
}

function silhouetteChart(data) {
  const blocks = new Map();
  data.stores.internal.forEach((cluster, at) => {
    const value = data.stores.silhouette[at];
    if (cluster !== null && value !== null) blocks.set(cluster, [...(blocks.get(cluster) || []), value]);
  });
  if (!blocks.size) return null;
  const sorted = [...blocks].sort(([a], [b]) => a - b).map(([cluster, values]) => ({ cluster, values }));
  return figure(
    "How well each store fits",
    "One bar per store, grouped by its cluster on the sales mix. Near 1 the store is among similar stores, near 0 it is between two clusters, below 0 it is nearer to another cluster.",
    silhouettes(sorted),
  );
}

function outlierList(data) {
  const outliers = data.stores.at.map((_, at) => at).filter((at) => data.stores.outlier[at]);
  if (!outliers.length) return null;
  const rows = outliers.map((at) => [
    storeLink(data.stores.at[at]),
    stores().labels[data.stores.at[at]],
    ...storeCells(data, at, (cluster) => String(cluster.number)),
  ]);
  return figure(
    "Outlier stores",
    "Their sales mix is unlike that of any cluster. They were left out of the fit, and then placed in the nearest cluster. Check them before they get its assortment.",
    table(COLUMNS, rows, { label: "Outlier stores" }),
  );
}

function everyStore(data) {
  const details = element(
    "details",
    {},
    element("summary", {}, `All ${data.stores.at.length.toLocaleString("en")} stores`),
  );
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    const order = data.stores.at.map((_, at) => at).sort((a, b) => data.stores.cluster[a] - data.stores.cluster[b]);
    details.append(
      table(
        COLUMNS,
        order.map((at) => [
          storeLink(data.stores.at[at]),
          stores().labels[data.stores.at[at]],
          ...storeCells(data, at, (cluster) => String(cluster.number)),
        ]),
        { label: "All stores" },
      ),
    );
  });
  return details;
}

function grid(content) {
  const title = content.folded ? null : element("h4", {}, content.title);
  const section = element(
    "section",
    { class: "grid" },
    title,
    element("p", { class: "caption" }, content.caption),
    table(content.head, content.rows, { label: content.title, notes: content.notes }),
    content.more
      ? element("p", {}, `${content.more.toLocaleString("en")} further rows are in the database and the workbook.`)
      : null,
  );
  return content.folded ? element("details", {}, element("summary", {}, content.title), section) : section;
}

function drawCategory(position) {
  const data = category(position);
  return element(
    "article",
    {},
    element("h2", { tabindex: "-1" }, name(data.name)),
    element(
      "p",
      { class: "verdict" },
      element("span", { class: `badge ${data.verdict.replaceAll(" ", "-")}` }, data.verdict),
      data.holds === "unknown" ? null : element("span", { class: "badge" }, `holds: ${data.holds}`),
      ` ${data.says}`,
    ),
    data.axis
      ? element(
          "p",
          {},
          `${data.verdict === "axis" ? "Along the axis stores" : "Within the clusters stores differ along an axis; along it they"} sell ${data.axis}. Sort the stores by their position to see them in order.`,
        )
      : null,
    data.k > 0 && data.k !== data.clusters.length
      ? element(
          "p",
          { class: "caption" },
          `The verdict is about the ${data.k} ${data.k === 1 ? "cluster" : "clusters"} on the sales mix. Merging with the outside data made ${data.clusters.length} clusters, which were not tested.`,
        )
      : null,
    data.look_at.length
      ? element(
          "div",
          { class: "notice" },
          element("h3", {}, "What to look at"),
          element(
            "ul",
            {},
            data.look_at.map((text) => element("li", {}, text)),
          ),
        )
      : null,
    element("h3", {}, `${data.clusters.length} final ${data.clusters.length === 1 ? "cluster" : "clusters"}`),
    element(
      "p",
      { class: "caption" },
      `${data.stores.at.length.toLocaleString("en")} of ${stores().id.length.toLocaleString("en")} stores have a cluster here; the others sell nothing in it, or are excluded.`,
    ),
    scale(data),
    clusterCards(data),
    data.needs.length && data.clusters.length ? needStates(data) : null,
    data.clusters.length > 1 ? surroundings(data.clusters, data.outside, "What is around each cluster") : null,
    data.clusters.length ? volumes(data) : null,
    element("div", { class: "pair" }, data.x.some((x) => x !== null) ? storeMap(data) : null, silhouetteChart(data)),
    data.k_figures.k.length ? evidence(data) : null,
    outlierList(data),
    between(data.likely, data.stores.at, "cluster on the sales mix"),
    data.grids.map(grid),
    everyStore(data),
  );
}
