-- delivered -> the stores with a row, the last week of each, and what it sold.
WITH by_store AS (
    SELECT st.name AS store_id, MAX(d.position) AS position, SUM(d.sales_cents) AS sales_cents
    FROM delivered d JOIN store_names st ON st.raw_key = d.store_key
    WHERE d.is_category = 0
    GROUP BY st.name
)
SELECT s.store_id, w.week AS last_week, CAST(s.sales_cents AS BIGINT) AS sales_cents
FROM by_store s LEFT JOIN week_names w ON w.position = s.position
WHERE s.store_id IS NOT NULL
ORDER BY s.store_id ASC NULLS FIRST
