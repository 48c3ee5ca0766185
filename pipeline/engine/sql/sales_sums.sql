-- raw_sales -> one row per raw key: the only pass over the sales.
-- Micro-units first, then cents, both half away from zero: a binary 1.005 is what its writer meant by it, 1.01.
WITH scaled AS (
    SELECT store_key, sku_key, category_key, sales_value, sales_text, in_window,
        CASE WHEN ABS(sales_value) <= 1e13 THEN 1 ELSE 0 END AS is_valid,
        FLOOR(ABS(sales_value) * 1e6 + 0.5) AS micros
    FROM raw_sales
),
rounded AS (
    SELECT store_key, sku_key, category_key, sales_value, sales_text, in_window, is_valid, micros,
        FLOOR(micros / 1e4 + 0.5) AS absolute_cents
    FROM scaled
),
whole AS (
    SELECT store_key, sku_key, category_key, sales_value, sales_text, in_window, is_valid,
        CASE WHEN in_window AND is_valid = 1 THEN CAST(absolute_cents AS BIGINT) ELSE 0 END AS absolute_cents,
        CASE WHEN in_window AND is_valid = 1 THEN CAST(micros - absolute_cents * 1e4 AS BIGINT) ELSE 0 END AS lost_micros
    FROM rounded
)
SELECT store_key, sku_key, category_key,
    CAST(SUM(CASE WHEN sales_value < 0 THEN -absolute_cents ELSE absolute_cents END) AS BIGINT) AS sales_cents,
    CAST(SUM(absolute_cents) AS BIGINT) AS absolute_cents,
    CAST(SUM(lost_micros) AS BIGINT) AS lost_micros,
    COUNT(*) AS row_count,
    CAST(SUM(CASE WHEN in_window THEN 1 ELSE 0 END) AS BIGINT) AS rows_in_window,
    CAST(SUM(CASE WHEN in_window AND is_valid = 0 THEN 1 ELSE 0 END) AS BIGINT) AS bad_values,
    CAST(SUM(CASE WHEN in_window AND sales_value IS NULL AND sales_text IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS bad_texts,
    MIN(CASE WHEN in_window AND sales_value IS NULL THEN sales_text END) AS bad_text
FROM whole
GROUP BY store_key, sku_key, category_key
