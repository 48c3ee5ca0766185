"""The checks of the raw files: the sales, the need states, the outside data, and what they have in common."""
