"""Decides what follows from a single statement, for every kind of sender."""
