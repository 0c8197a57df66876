"""Metrics of how everything stands, counted in the console's tables."""
