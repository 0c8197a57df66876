"""Keeps story time: its offset to wall time, and the deadlines that are due by it."""
