-- delivered -> what each category sold in each week, and all of them together; the parameters stand for all categories, and name the unit.
WITH named AS (
    SELECT ca.name AS category, d.position, SUM(d.sales_cents) AS sales_cents, NULL AS stores
    FROM delivered d JOIN category_names ca ON ca.raw_key = d.category_key
    WHERE d.is_category = 1
    GROUP BY ca.name, d.position
    UNION ALL
    SELECT CAST(? AS VARCHAR) AS category, d.position, SUM(d.sales_cents) AS sales_cents, COUNT(DISTINCT st.name) AS stores
    FROM delivered d JOIN store_names st ON st.raw_key = d.store_key
    WHERE d.is_category = 0
    GROUP BY d.position
)
SELECT n.category, w.week, CAST(? AS VARCHAR) AS unit, n.position AS ordinal, CAST(n.sales_cents AS BIGINT) AS sales_cents,
    CAST(n.stores AS BIGINT) AS stores
FROM named n JOIN week_names w ON w.position = n.position
WHERE n.category IS NOT NULL
ORDER BY n.category ASC NULLS FIRST, w.week ASC NULLS FIRST
