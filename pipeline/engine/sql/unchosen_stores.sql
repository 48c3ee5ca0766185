-- Stores of the file without a row in the chosen categories and weeks.
SELECT s.store_id
FROM sums s LEFT JOIN chosen c ON c.category = s.category
GROUP BY s.store_id
HAVING MAX(CASE WHEN s.rows_in_window > 0 AND c.category IS NOT NULL THEN 1 ELSE 0 END) = 0
ORDER BY s.store_id ASC NULLS FIRST
