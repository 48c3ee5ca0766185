-- raw_sales -> one row per raw key, where no week is left out: half the work of sales_sums.sql, and sums are the same to the last.
-- Whole millionths are summed as floats: exact as long as `absolute_micros` is below 2^53. What cannot be an amount, or is too large for
-- that, makes `absolute_micros` NaN or larger; then sales_sums.sql sums, and counts what is wrong.
WITH scaled AS (
    SELECT store_key, sku_key, category_key, block,
        CASE
            WHEN ABS(sales_value) >= 9e9 THEN CAST('NaN' AS DOUBLE)
            WHEN sales_value < 0 THEN -FLOOR(0.5 - sales_value * 1e6)
            WHEN sales_value >= 0 THEN FLOOR(sales_value * 1e6 + 0.5)
            ELSE CAST('NaN' AS DOUBLE)
        END AS micros
    FROM raw_sales
    WHERE {of_pass}
)
SELECT store_key, sku_key, category_key, SUM(micros) AS micros, SUM(ABS(micros)) AS absolute_micros{blocks}
FROM scaled
GROUP BY store_key, sku_key, category_key
