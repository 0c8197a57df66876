"""Describes the events in the life of a child in care, and what comes due."""
