"""Explain clusters: names, typical stores, profiles, and rules in words."""
