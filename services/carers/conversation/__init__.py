"""Reads each text once, in its sender's order, and writes its effects."""
