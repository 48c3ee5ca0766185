"""Clusters in words: what sets each apart, which stores stand for it, and rules that say it nearly as well."""
