"""Whether clusters hold on weeks that their fit did not see, and how noisy the stores' mixes are: both from sales by block of weeks."""
