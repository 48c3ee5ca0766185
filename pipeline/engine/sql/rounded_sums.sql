-- sums of which some hold parts of a cent -> whole cents, each less than a cent off; those of a category add up to its exact sum,
-- rounded to the nearest cent, half away from zero.
-- Each sum gets the whole cents below it; those that are left in a category go to the largest parts, ties in order of store and SKU.
-- What this changes of a sum is taken out of its largest block of weeks, so that the blocks add up to it.
WITH parted AS (
    SELECT *, FLOOR(rest_micros / 10000.0) AS more, rest_micros - FLOOR(rest_micros / 10000.0) * 10000 AS part,
        SUM(rest_micros) OVER (PARTITION BY category) / 10000.0 AS whole_rest,
        SUM(sales_cents) OVER (PARTITION BY category) AS whole_cents
    FROM sums
),
placed AS (
    SELECT *,
        ROW_NUMBER() OVER (PARTITION BY category ORDER BY part DESC NULLS LAST, store_id ASC NULLS LAST, sku_id ASC NULLS LAST) AS place,
        CASE WHEN whole_cents + whole_rest < 0 THEN -FLOOR(0.5 - whole_rest) ELSE FLOOR(whole_rest + 0.5) END
            - SUM(more) OVER (PARTITION BY category) AS remaining
    FROM parted
),
changed AS (
    SELECT *, CAST(more + CASE WHEN place <= remaining THEN 1 ELSE 0 END AS BIGINT) AS change
    FROM placed
)
SELECT {columns}
FROM changed
