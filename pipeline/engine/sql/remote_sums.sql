-- A table or query of a database -> one row per raw key and week, with what is wrong with the rows behind it: as sales_sums.sql, for
-- amounts that have a numeric type. The words of the database stand in braces.
-- What cannot be an amount is null from the first step on, so that no later one can fail on it. Nothing is made a text here.
WITH valid AS (
    SELECT {columns},
        CASE WHEN {finite}{value} BETWEEN -10000000000000 AND 10000000000000 THEN CAST({value} AS {double}) END AS amount
    FROM {relation}
),
scaled AS (
    SELECT {names}, amount, {micros} AS micros
    FROM valid
),
rounded AS (
    SELECT {names}, amount, micros, {cents} AS absolute_cents
    FROM scaled
),
whole AS (
    SELECT {names}, amount, CAST(absolute_cents AS {integer}) AS absolute_cents,
        CAST(CASE WHEN ABS(amount) < 9e9 THEN micros - absolute_cents * 1e4 END AS {integer}) AS absolute_rest
    FROM rounded
)
SELECT {names},
    CAST(COALESCE(SUM(CASE WHEN amount < 0 THEN -absolute_cents ELSE absolute_cents END), 0) AS {integer}) AS sum_cents,
    NULLIF(CAST(SUM(CASE WHEN amount < 0 THEN -absolute_rest ELSE absolute_rest END) AS {integer}), 0) AS sum_rest,
    NULLIF(CAST(COALESCE(SUM(absolute_cents), 0) AS {integer}),
        ABS(CAST(COALESCE(SUM(CASE WHEN amount < 0 THEN -absolute_cents ELSE absolute_cents END), 0) AS {integer}))) AS sum_absolute,
    NULLIF(COUNT(*), 1) AS sum_rows,
    NULLIF(COUNT(*) - COUNT(amount), 0) AS sum_bad
FROM whole
GROUP BY {names}
