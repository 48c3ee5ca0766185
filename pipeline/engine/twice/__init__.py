"""Sales that are there twice, found by their content: in two files, in one, or as the total of others. Each is a doubt, never an error.

All are looked for in sums, so that it costs little; a file or a store that is the same by chance in a few sums is none.
"""
