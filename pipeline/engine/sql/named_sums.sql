-- raw sums with the names of their keys; a key without a name is null.
SELECT st.name AS store_id, sk.name AS sku_id, ca.name AS category, r.sales_cents, r.rest_micros, r.earlier_cents, r.window_cents,
    r.row_count, r.rows_in_window, r.bad_values, r.bad_texts, r.bad_text{blocks}
FROM raw_sums r
LEFT JOIN store_names st ON st.raw_key = r.store_key
LEFT JOIN sku_names sk ON sk.raw_key = r.sku_key
LEFT JOIN category_names ca ON ca.raw_key = r.category_key
