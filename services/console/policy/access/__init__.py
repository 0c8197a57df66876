"""Decides who comes in, for how long, and as what."""
