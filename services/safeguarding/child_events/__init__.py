"""Describes what happens to a child in care, and what comes due."""
