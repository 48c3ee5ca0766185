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

// A category's data are packed, so that a file of many categories stays small; a browser unpacks them where the file lies.
async function category(position) {
  const packed = atob(document.getElementById(`data-${position}`).textContent);
  const bytes = new Uint8Array(packed.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = packed.charCodeAt(at);
  const data = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  let last = -1;
  data.stores.at = data.stores.after.map((step) => (last += step));
  return data;
}

function label(cluster) {
  return cluster.name ? `${cluster.number}: ${cluster.name}` : `${cluster.number}`;
}

// The next-nearest final cluster.
function nextNearest(data, at, named) {
  const wanted = data.stores.next[at];
  const next = data.clusters.find((cluster) => cluster.number === wanted);
  return next ? named(next) : "";
}

// A count with its noun: 1 store, 1,204 stores.
function counted(count, singular, plural) {
  return `${count.toLocaleString("en")} ${count === 1 ? singular : plural}`;
}

function remarks(data, at) {
  const texts = [];
  if (data.stores.outlier[at])
    texts.push(
      data.stores.overridden[at] ? "outlier: unlike any cluster" : "outlier: unlike any cluster, placed at the nearest",
    );
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
        `${counted(cluster.stores, "store", "stores")} (${Math.round((100 * cluster.stores) / total)} %)`,
        sales > 0 ? `${Math.round((100 * cluster.sales) / sales)} % of sales` : null,
        cluster.stores ? `${Math.round(cluster.sales / cluster.stores).toLocaleString("en")} a store` : null,
        cluster.confidence === null ? null : `confidence ${cluster.confidence} %`,
        data.clusters.length > 1 ? `differs from the chain in ${cluster.apart} % of its sales` : null,
        cluster.outliers ? counted(cluster.outliers, "outlier", "outliers") : null,
        cluster.moved ? `${cluster.moved} moved in by merging` : null,
        cluster.overridden ? `${cluster.overridden} placed by hand` : null,
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
  const details = element(
    "details",
    {},
    element("summary", {}, cluster.stores === 1 ? "Its store" : `Its ${cluster.stores.toLocaleString("en")} stores`),
  );
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

// The words for a k that only lost to a lower criterion; every other word is a reason why the k was not in the running.
const IN_THE_RUNNING = ["taken", "a higher criterion"];

// What decides about k, and why each k is taken or not; `figures` has a list per figure, in the order of k.
function evidence(figures, reason) {
  const taken = figures.outcome.indexOf("taken");
  const row = (title, key, better) => line(figures, key, title, better);
  const rows = figures.k.map((k, at) => [
    k,
    figures.criterion[at],
    figures.likelier[at],
    figures.smallest_cluster[at],
    figures.stability[at],
    figures.jaccard[at],
    figures.kept ? figures.kept[at] : null,
    figures.silhouette[at],
    figures.bic[at],
    figures.outcome[at],
  ]);
  const lower = figures.k.flatMap((k, at) =>
    at !== taken && figures.criterion[at] < figures.criterion[taken] ? [`k = ${k}: ${figures.outcome[at]}`] : [],
  );
  return figure(
    "Why this number of clusters",
    "Each figure for every number of clusters k that was tried. The filled mark is the k that was taken: the lowest criterion of those that may be taken. A cross is a k that may not; point at it to see why. The criterion charges for every difference between clusters, and for stores that lie between them. Stability and Jaccard: how well the same clusters appear again when the stores are resampled; only what could be taken is measured.",
    element("p", {}, reason ? `${reason}.` : ""),
    lower.length ? element("p", {}, `Lower in the criterion, and not taken: ${lower.join("; ")}.`) : null,
    element(
      "div",
      { class: "multiples" },
      row("Criterion", "criterion", "decides; lower wins"),
      row("Stability", "stability", "1 is perfect"),
      row("Jaccard", "jaccard", "of the weakest cluster"),
      row("Silhouette", "silhouette", "decides nothing"),
    ),
    element(
      "details",
      {},
      element("summary", {}, "The figures"),
      table(
        [
          "k",
          "criterion",
          "likelier than one",
          "smallest cluster",
          "stability",
          "Jaccard",
          "kept",
          "silhouette",
          "BIC",
          "outcome",
        ],
        rows,
        { label: "Figures for every k" },
      ),
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
    "One bar per store, grouped by its cluster on the sales mix, whose numbers are not those of the final clusters. Near 1 the store is among similar stores, near 0 it is between two clusters, below 0 it is nearer to another cluster.",
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
    "Their sales mix is unlike that of any cluster. They were left out of the fit, and then placed in the nearest cluster, where nobody placed them by hand. Check them before they get its assortment.",
    table(COLUMNS, rows, { label: "Outlier stores" }),
  );
}

function everyStore(data) {
  const details = element(
    "details",
    {},
    element(
      "summary",
      {},
      data.stores.at.length === 1 ? "The store" : `All ${data.stores.at.length.toLocaleString("en")} stores`,
    ),
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
      ? element(
          "p",
          {},
          `${counted(content.more, "further row is", "further rows are")} in the database and the workbook.`,
        )
      : null,
  );
  return content.folded ? element("details", {}, element("summary", {}, content.title), section) : section;
}

function drawCategory(data) {
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
          `The verdict is about the ${data.k} ${data.k === 1 ? "cluster" : "clusters"} on the sales mix. Merging with the outside data made ${counted(data.clusters.length, "cluster, which was", "clusters, which were")} not tested.`,
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
      data.stores.at.length === stores().id.length
        ? `Every one of ${counted(stores().id.length, "store", "stores")} has a cluster here.`
        : `${data.stores.at.length.toLocaleString("en")} of ${counted(stores().id.length, "store", "stores")} ${data.stores.at.length === 1 ? "has" : "have"} a cluster here; the others sell nothing in it, or are excluded.`,
    ),
    scale(data),
    clusterCards(data),
    data.needs.length && data.clusters.length ? needStates(data) : null,
    data.clusters.length > 1 ? surroundings(data.clusters, data.outside, "What is around each cluster") : null,
    data.clusters.length ? volumes(data) : null,
    element("div", { class: "pair" }, data.x.some((x) => x !== null) ? storeMap(data) : null, silhouetteChart(data)),
    data.k_figures.k.length ? evidence(data.k_figures, data.reason) : null,
    outlierList(data),
    between(data.likely, data.stores.at, "sales-mix"),
    data.grids.map(grid),
    everyStore(data),
  );
}
