"""Measures of a process itself, and spans of what it does."""
