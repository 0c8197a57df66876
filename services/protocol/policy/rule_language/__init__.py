"""The language in which rules are written."""
