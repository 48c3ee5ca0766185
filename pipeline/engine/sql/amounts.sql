-- raw_sales -> one row per raw key, where no week is left out: half the work of sales_sums.sql, and sums are the same to the last.
-- What cannot be an amount makes its key's `rest_micros` NaN, and is no number of cents; then sales_sums.sql counts what is wrong.
WITH valid AS (
    SELECT store_key, sku_key, category_key, block,
        CASE WHEN ABS(sales_value) <= 1e13 THEN sales_value ELSE CAST('NaN' AS DOUBLE) END AS amount
    FROM raw_sales
),
scaled AS (
    SELECT store_key, sku_key, category_key, block, amount, FLOOR(ABS(amount) * 1e6 + 0.5) AS micros
    FROM valid
),
rounded AS (
    SELECT store_key, sku_key, category_key, block, amount, micros, FLOOR(micros / 1e4 + 0.5) AS absolute_cents
    FROM scaled
)
SELECT store_key, sku_key, category_key,
    CAST(COALESCE(SUM(TRY_CAST(CASE WHEN amount < 0 THEN -absolute_cents ELSE absolute_cents END AS BIGINT)), 0) AS BIGINT)
        AS sales_cents,
    SUM(CASE
        WHEN ABS(amount) BETWEEN 9e9 AND 1e13 THEN 0
        WHEN amount < 0 THEN absolute_cents * 1e4 - micros
        ELSE micros - absolute_cents * 1e4
    END) AS rest_micros{blocks}
FROM rounded
GROUP BY store_key, sku_key, category_key
