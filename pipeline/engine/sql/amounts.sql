-- raw_sales -> one row per raw key, where no week is left out: half the work of sales_sums.sql, and cents are the same to the last.
-- What cannot be an amount makes its key's `amount` NaN, and is no number of cents; then sales_sums.sql counts what is wrong.
WITH valid AS (
    SELECT store_key, sku_key, category_key, block,
        CASE WHEN ABS(sales_value) <= 1e13 THEN sales_value ELSE CAST('NaN' AS DOUBLE) END AS amount
    FROM raw_sales
),
rounded AS (
    SELECT store_key, sku_key, category_key, block, amount,
        FLOOR(FLOOR(ABS(amount) * 1e6 + 0.5) / 1e4 + 0.5) AS absolute_cents
    FROM valid
)
SELECT store_key, sku_key, category_key,
    CAST(COALESCE(SUM(TRY_CAST(CASE WHEN amount < 0 THEN -absolute_cents ELSE absolute_cents END AS BIGINT)), 0) AS BIGINT)
        AS sales_cents,
    SUM(amount) AS amount{blocks}
FROM rounded
GROUP BY store_key, sku_key, category_key
