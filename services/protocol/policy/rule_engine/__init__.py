"""Applies rules: at their time, under their conditions, to their recipients, and until they end."""
