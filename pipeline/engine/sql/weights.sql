-- the need-state map -> the need states of each SKU, with the sum of its weights and its place in order of name.
-- The sum is over a frame in order, so that its last bit does not depend on the order of the rows.
SELECT sku_id, map_category, need_state, weight,
    SUM(weight) OVER (
        PARTITION BY sku_id, map_category ORDER BY need_state ASC NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS total_weight,
    COUNT(*) OVER (PARTITION BY sku_id, map_category) AS need_states,
    ROW_NUMBER() OVER (PARTITION BY sku_id, map_category ORDER BY need_state ASC NULLS LAST) AS place,
    CASE WHEN MIN(weight) OVER (PARTITION BY sku_id, map_category) = MAX(weight) OVER (PARTITION BY sku_id, map_category)
        THEN 1 ELSE 0 END AS is_equal
FROM need_state_map
WHERE weight > 0
