-- raw sums under the names of their keys -> one row per store, SKU and category; a key without a name is null.
SELECT st.name AS store_id, sk.name AS sku_id, ca.name AS category,
    CAST(SUM(r.sales_cents) AS BIGINT) AS sales_cents,
    CAST(SUM(r.absolute_cents) AS BIGINT) AS absolute_cents,
    CAST(SUM(r.lost_micros) AS BIGINT) AS lost_micros,
    CAST(SUM(r.row_count) AS BIGINT) AS row_count,
    CAST(SUM(r.rows_in_window) AS BIGINT) AS rows_in_window,
    CAST(SUM(r.bad_values) AS BIGINT) AS bad_values,
    CAST(SUM(r.bad_texts) AS BIGINT) AS bad_texts,
    MIN(r.bad_text) AS bad_text
FROM raw_sums r
LEFT JOIN store_names st ON st.raw_key = r.store_key
LEFT JOIN sku_names sk ON sk.raw_key = r.sku_key
LEFT JOIN category_names ca ON ca.raw_key = r.category_key
GROUP BY st.name, sk.name, ca.name
