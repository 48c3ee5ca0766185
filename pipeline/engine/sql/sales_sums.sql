-- raw_sales -> one row per raw key, with what is wrong with the rows behind it.
-- Micro-units first, half away from zero: a binary 0.1 + 0.2 is what its writer meant by it, 0.3. They are summed as whole cents, and
-- what these leave of each amount; of an amount from 9e9 on a binary number holds no micro-units, and nothing is left.
-- What cannot be an amount is null from the first step on, so that no later one can fail on it. The largest value that Parquet's
-- statistics give leaves NaN out, and DuckDB believes them: it has to be asked for by name.
WITH valid AS (
    SELECT store_key, sku_key, category_key, sales_text, in_window, block,
        CASE WHEN ISFINITE(sales_value) AND ABS(sales_value) <= 1e13 THEN sales_value END AS amount,
        CASE WHEN sales_value IS NULL THEN 1 ELSE 0 END AS is_null
    FROM raw_sales
    WHERE {of_pass}
),
scaled AS (
    SELECT store_key, sku_key, category_key, sales_text, in_window, block, amount, is_null,
        FLOOR(ABS(amount) * 1e6 + 0.5) AS micros
    FROM valid
),
rounded AS (
    SELECT store_key, sku_key, category_key, sales_text, in_window, block, amount, is_null, micros,
        FLOOR(micros / 1e4 + 0.5) AS absolute_cents
    FROM scaled
),
whole AS (
    SELECT store_key, sku_key, category_key, sales_text, in_window, block, amount, is_null,
        CASE WHEN in_window THEN micros END AS micros,
        CAST(CASE WHEN in_window THEN absolute_cents END AS BIGINT) AS absolute_cents,
        CAST(CASE WHEN NOT in_window THEN absolute_cents END AS BIGINT) AS earlier_cents,
        CAST(CASE WHEN in_window AND ABS(amount) < 9e9 THEN micros - absolute_cents * 1e4 END AS BIGINT) AS absolute_rest
    FROM rounded
)
SELECT store_key, sku_key, category_key,
    CAST(COALESCE(SUM(CASE WHEN amount < 0 THEN -absolute_cents ELSE absolute_cents END), 0) AS BIGINT) AS sales_cents,
    CAST(COALESCE(SUM(CASE WHEN amount < 0 THEN -absolute_rest ELSE absolute_rest END), 0) AS BIGINT) AS rest_micros,
    CAST(COALESCE(SUM(earlier_cents), 0) AS BIGINT) AS earlier_cents,
    CAST(COALESCE(SUM(absolute_cents), 0) AS BIGINT) AS window_cents,
    COUNT(*) AS row_count,
    CAST(SUM(CASE WHEN in_window THEN 1 ELSE 0 END) AS BIGINT) AS rows_in_window,
    CAST(SUM(CASE WHEN in_window AND amount IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS bad_values,
    CAST(SUM(CASE WHEN in_window AND is_null = 1 AND sales_text IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS bad_texts,
    MIN(CASE WHEN in_window AND is_null = 1 THEN sales_text END) AS bad_text{blocks}
FROM whole
GROUP BY store_key, sku_key, category_key
