"""Applies rules: when they come to their time, under which conditions, to whom, and until when."""
