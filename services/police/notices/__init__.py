"""Notices to a force: their schema, content, channel and tests."""
