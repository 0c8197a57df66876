"""Decides the consequences of a single statement, for every kind of sender."""
