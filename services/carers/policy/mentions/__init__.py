"""Finds the children, authorities and placements that a text is about."""
