"""Notices that a force comes for itself."""
