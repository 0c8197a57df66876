"""Reads clauses: who is missing, back, found or seen, and whether that is asserted."""
