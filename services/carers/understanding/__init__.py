"""Reads what a text means, by a grammar for frightened people's writing. Pure: knows no child, no case and no clock."""
