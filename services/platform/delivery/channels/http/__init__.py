"""Speaks HTTP to forces: with verified certificates, to public addresses alone."""
