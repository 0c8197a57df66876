"""Finds which of the children, authorities and placements each thing said is about."""
