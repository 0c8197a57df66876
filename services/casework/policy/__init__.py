"""Decides whether an import is consistent, and reads agencies' events. Pure."""
