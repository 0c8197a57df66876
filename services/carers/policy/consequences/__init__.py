"""Decides what follows from one thing that is said, whoever says it."""
