"""Draws the effects of one event."""
