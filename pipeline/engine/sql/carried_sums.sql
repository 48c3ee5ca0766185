-- sums -> the same amounts, with `rest_micros` within 0 to 9999: whole cents below each, and the millionths beside them.
SELECT {others}
    sales_cents + CAST(FLOOR(rest_micros / 10000.0) AS BIGINT) AS sales_cents,
    rest_micros - CAST(FLOOR(rest_micros / 10000.0) AS BIGINT) * 10000 AS rest_micros
FROM sums
