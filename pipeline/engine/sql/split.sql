-- chosen sales of a batch of categories x weights -> cents per store, category and need state; the parameter names that of unknown SKUs.
-- What is split are whole units of the last decimal of the category: cents where amounts have two decimals.
-- Largest remainder (Hamilton's method) on the absolute amount: each need state gets the whole units of its quota, and
-- the units that are left go to the largest remainders, ties in order of the need state. Remainders are compared in
-- billionths of a unit, below which they are noise of the division.
-- Of blocks of weeks, sums up to each are split by the weight and rounded; the last one takes what remains, so that they add up.
-- With equal weights all remainders are equal: the places are those of the names, and nothing has to be sorted.
WITH served AS (
    SELECT s.store_id, s.sku_id, s.category, s.sales_units, s.per_cent, w.need_state, w.need_states, w.place, w.is_equal,
        ABS(s.sales_units) * w.weight / NULLIF(w.total_weight, 0) AS quota{served}
    FROM batch s
    LEFT JOIN weights w ON w.sku_id = s.sku_id AND w.map_category = s.map_category
),
divided AS (
    SELECT store_id, sku_id, category, per_cent, sales_units, need_state, need_states,
        CAST(FLOOR(quota) AS BIGINT) AS base,
        CAST(FLOOR((quota - FLOOR(quota)) * 1e9 + 0.5) AS BIGINT) AS remainder{blocks}
    FROM served
    WHERE need_states > 1 AND is_equal = 0
),
placed AS (
    SELECT store_id, category, per_cent, sales_units, need_state, need_states, base,
        ROW_NUMBER() OVER (
            PARTITION BY store_id, sku_id, category ORDER BY remainder DESC NULLS LAST, need_state ASC NULLS LAST
        ) AS place,
        ABS(sales_units) - CAST(SUM(base) OVER (PARTITION BY store_id, sku_id, category) AS BIGINT) AS remaining{blocks}
    FROM divided
    UNION ALL
    SELECT store_id, category, per_cent, sales_units, need_state, need_states,
        CAST(FLOOR(ABS(sales_units) / NULLIF(need_states, 0)) AS BIGINT) AS base, place,
        ABS(sales_units) - need_states * CAST(FLOOR(ABS(sales_units) / NULLIF(need_states, 0)) AS BIGINT) AS remaining{blocks}
    FROM served
    WHERE need_states > 1 AND is_equal = 1
),
shared AS (
    -- What remains is 0 to need_states - 1 units, except that a quota of 1e15 units may itself be rounded: then every
    -- need state takes the same whole part, which may be negative, so that nothing is ever lost.
    SELECT store_id, category, per_cent, sales_units, need_state, base, place, remaining, need_states,
        CAST(FLOOR(remaining / NULLIF(need_states, 0)) AS BIGINT) AS each{blocks}
    FROM placed
),
parts AS (
    SELECT store_id, category, per_cent, need_state, sales_units AS part{blocks}
    FROM served
    WHERE need_states IS NULL OR need_states = 1
    UNION ALL
    SELECT store_id, category, per_cent, need_state,
        (base + each + CASE WHEN place <= remaining - each * need_states THEN 1 ELSE 0 END)
        * CASE WHEN sales_units < 0 THEN -1 ELSE 1 END AS part{blocks}
    FROM shared
)
SELECT store_id, category, COALESCE(need_state, ?) AS need_state, {part} AS sales_cents{sums}
FROM parts
GROUP BY store_id, category, need_state
ORDER BY store_id ASC NULLS FIRST, category ASC NULLS FIRST, need_state ASC NULLS FIRST
