-- carried sums -> per category the decimals of its amounts, and its absolute sales in cents.
SELECT category,
    MAX(CASE
        WHEN rest_micros = 0 THEN 2
        WHEN rest_micros % 1000 = 0 THEN 3
        WHEN rest_micros % 100 = 0 THEN 4
        WHEN rest_micros % 10 = 0 THEN 5
        ELSE 6
    END) AS decimals,
    SUM(ABS(sales_cents)) + 1 AS cents
FROM sums
GROUP BY category
ORDER BY category ASC NULLS FIRST
