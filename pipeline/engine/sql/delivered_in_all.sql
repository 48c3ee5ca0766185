-- sums -> what each category sold in all; the parameter stands for all weeks.
SELECT category, CAST(? AS VARCHAR) AS week, CAST('' AS VARCHAR) AS unit, CAST(NULL AS BIGINT) AS ordinal,
    CAST(SUM(sales_cents) + FLOOR(SUM(rest_micros) / 10000) AS BIGINT) AS sales_cents, COUNT(DISTINCT store_id) AS stores
FROM sums
GROUP BY category
ORDER BY category ASC NULLS FIRST
