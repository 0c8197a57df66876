"""Decides what follows from a text. Pure: what is known is given, and nothing is read or sent here."""
