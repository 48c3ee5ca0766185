"""Whether clusters hold on weeks outside their fit, and how noisy the stores' mixes are, from sales by block of weeks."""
