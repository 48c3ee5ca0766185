-- raw_sales -> raw_sums, where a database has summed the rows already, per raw key and week.
SELECT store_key, sku_key, category_key,
    CAST(COALESCE(SUM(CASE WHEN in_window THEN cents END), 0) AS BIGINT) AS sales_cents,
    CAST(COALESCE(SUM(CASE WHEN in_window THEN rest END), 0) AS BIGINT) AS rest_micros,
    CAST(COALESCE(SUM(CASE WHEN NOT in_window THEN absolute_cents END), 0) AS BIGINT) AS earlier_cents,
    CAST(COALESCE(SUM(CASE WHEN in_window THEN absolute_cents END), 0) AS BIGINT) AS window_cents,
    CAST(SUM(row_count) AS BIGINT) AS row_count,
    CAST(SUM(CASE WHEN in_window THEN row_count ELSE 0 END) AS BIGINT) AS rows_in_window,
    CAST(SUM(CASE WHEN in_window THEN bad_values ELSE 0 END) AS BIGINT) AS bad_values,
    0 AS bad_texts,
    CAST(NULL AS VARCHAR) AS bad_text{blocks}
FROM raw_sales
WHERE {of_pass}
GROUP BY store_key, sku_key, category_key
