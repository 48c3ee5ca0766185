-- carried sums of categories that have more decimals than can be kept -> multiples of the last decimal that is, each less than one of it
-- off; those of a category add up to its exact sum, rounded to the nearest one, half away from zero.
-- Each sum gets the whole ones below it; those that are left in a category go to the largest parts, ties in order of store and SKU.
WITH parted AS (
    SELECT s.*, p.unit_micros, CAST(FLOOR(s.rest_micros / CAST(p.unit_micros AS DOUBLE)) AS BIGINT) AS whole,
        s.rest_micros % p.unit_micros AS part,
        SUM(s.rest_micros) OVER (PARTITION BY s.category) / CAST(p.unit_micros AS DOUBLE) AS whole_rest,
        SUM(s.sales_cents) OVER (PARTITION BY s.category) AS whole_cents
    FROM sums s JOIN precision p ON p.category IS NOT DISTINCT FROM s.category
),
placed AS (
    SELECT *,
        ROW_NUMBER() OVER (PARTITION BY category ORDER BY part DESC NULLS LAST, store_id ASC NULLS LAST, sku_id ASC NULLS LAST) AS place,
        CASE WHEN whole_cents < 0 THEN -FLOOR(0.5 - whole_rest) ELSE FLOOR(whole_rest + 0.5) END
            - SUM(whole) OVER (PARTITION BY category) AS remaining
    FROM parted
)
SELECT {others} sales_cents,
    CAST((whole + CASE WHEN place <= remaining THEN 1 ELSE 0 END) * unit_micros AS BIGINT) AS rest_micros
FROM placed
