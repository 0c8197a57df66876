"""Finds which of the speaker's children a text names, and in which part."""
