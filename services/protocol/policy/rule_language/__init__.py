"""Defines the language in which rules are written."""
