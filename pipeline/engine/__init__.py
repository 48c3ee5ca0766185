"""Raw files of every source -> typed, aggregated tables. The work that grows with the sales rows, in SQL."""
