"""Counts open work in the console's tables, for metrics."""
