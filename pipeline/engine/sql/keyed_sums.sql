-- sums of raw keys, of which several have the same name -> one row per store, SKU and category.
SELECT store_id, sku_id, category,
    CAST(SUM(sales_cents) AS BIGINT) AS sales_cents,
    CAST(SUM(rest_micros) AS BIGINT) AS rest_micros,
    CAST(SUM(earlier_cents) AS BIGINT) AS earlier_cents,
    CAST(SUM(window_cents) AS BIGINT) AS window_cents,
    CAST(SUM(row_count) AS BIGINT) AS row_count,
    CAST(SUM(rows_in_window) AS BIGINT) AS rows_in_window,
    CAST(SUM(bad_values) AS BIGINT) AS bad_values,
    CAST(SUM(bad_texts) AS BIGINT) AS bad_texts,
    MIN(bad_text) AS bad_text{blocks}
FROM named_sums
GROUP BY store_id, sku_id, category
