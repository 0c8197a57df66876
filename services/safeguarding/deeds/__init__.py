"""Describes the deeds that end duties: what a form asks about each, and which events record it."""
