"""Holds for an inquiry and erasure by two people, at the console."""
