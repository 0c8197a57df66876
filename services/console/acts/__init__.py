"""Carries out operators' acts: once, and on the record."""
