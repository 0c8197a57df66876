"""Replies of a force, by webhook and by mail."""
