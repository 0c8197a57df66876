"""Verifies the record: whole or from a checkpoint on, in bounded memory, and against the anchors that it publishes."""
