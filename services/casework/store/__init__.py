"""Writes the register, and casework's own tables."""
