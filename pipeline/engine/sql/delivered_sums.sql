-- raw_sales -> its sums per week and category, and per week and store: one pass over the rows.
SELECT position, category_key, store_key, GROUPING(store_key) AS is_category,
    CAST(COALESCE(SUM(TRY_CAST(cents AS BIGINT)), 0) AS BIGINT) AS sales_cents
FROM raw_sales
GROUP BY GROUPING SETS ((position, category_key), (position, store_key))
