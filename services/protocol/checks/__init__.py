"""Checks of a protocol before it is put in force."""
