/* The example queries of the page and of docs/queries.md, which docs/generate.py makes from this file. A comment says what a query shows. */

-- One row per store, one column per category
FROM store_clusters_wide;

-- The number of clusters of each category, and the verdict
SELECT verdicts.category, verdicts.verdict, COUNT(*) AS clusters, MIN(merged.stores) AS smallest, MAX(merged.stores) AS largest
FROM internal_verdicts AS verdicts JOIN merged_clusters AS merged USING (category)
GROUP BY ALL ORDER BY clusters DESC, verdicts.category;

-- The three need states with the highest share index of each cluster, among those with at least 2 % of its sales
SELECT category, cluster, need_state, ROUND(100 * mean_share, 1) AS share_percent, ROUND(share_index) AS share_index
FROM cluster_profiles WHERE mean_share >= 0.02
QUALIFY ROW_NUMBER() OVER (PARTITION BY category, cluster ORDER BY share_index DESC, need_state) <= 3
ORDER BY category, cluster, share_index DESC;

-- as an override takes them; a number of one side says so in its name, such as `internal_cluster`
SELECT placed.category, placed.store_id, placed.cluster, placed.next_cluster, ROUND(placed.margin, 2) AS margin,
    ROUND(inside.confidence, 2) AS confidence
FROM store_clusters AS placed JOIN internal_clusters AS inside USING (store_id, category)
WHERE placed.next_cluster IS NOT NULL AND NOT placed.overridden
ORDER BY inside.confidence, placed.margin, placed.category, placed.store_id LIMIT 20;

-- One store in every category, with its confidence
SELECT placed.category, placed.cluster, inside.confidence, inside.is_outlier, placed.reassigned
FROM store_clusters AS placed LEFT JOIN internal_clusters AS inside USING (store_id, category)
WHERE placed.store_id = (SELECT MIN(store_id) FROM store_clusters)
ORDER BY placed.category;

-- Pairs of stores with the same cluster in most categories, as candidates for one plan
SELECT one.store_id, other.store_id AS other_store, COUNT(*) AS categories_in_common
FROM store_clusters AS one JOIN store_clusters AS other USING (category, cluster)
WHERE one.store_id < other.store_id AND category <> '(none)' -- (none): stores without sales, which is no category
GROUP BY ALL ORDER BY categories_in_common DESC, one.store_id, other_store LIMIT 20;

-- Each cluster's share of the chain's sales
SELECT category, cluster, stores, SUM(sales_value) AS sales_value,
    ROUND(100 * SUM(sales_value) / SUM(SUM(sales_value)) OVER (PARTITION BY category), 1) AS percent_of_category
FROM cluster_profiles GROUP BY category, cluster, stores ORDER BY category, cluster;

-- The labels of each cluster's stores, such as regions
SELECT placed.category, placed.cluster, labels.label, labels.value, COUNT(*) AS stores
FROM store_clusters AS placed JOIN store_labels AS labels USING (store_id)
GROUP BY ALL ORDER BY ALL;

-- Stores without a cluster, and stores that merging moved
SELECT store_id, category, 'excluded' AS what, reason FROM excluded_stores
UNION ALL
SELECT store_id, category, 'moved', from_cell || ' to ' || to_cell FROM reassignments
ORDER BY what, category, store_id;

-- The quality of the data behind the clusters, and the run that made them
SELECT run.started_at, run.status, quality.* FROM data_quality AS quality, latest_run AS run
ORDER BY quality.area, quality.subject, quality.measure;

-- The size of each cluster's stores: stores and sales by volume tier; tier 1 sells the most
SELECT placed.category, placed.cluster, sizes.volume_tier, COUNT(*) AS stores, SUM(sizes.sales_value) AS sales_value
FROM store_clusters AS placed JOIN store_volumes AS sizes USING (store_id, category)
GROUP BY placed.category, placed.cluster, sizes.volume_tier ORDER BY ALL;
