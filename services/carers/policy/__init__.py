"""Decides the consequences of a text. Pure: facts are passed in, and nothing is read or sent here."""
