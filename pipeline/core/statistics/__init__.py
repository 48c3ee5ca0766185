"""Statistics that several parts of core share."""
