"""Decides whether an import is consistent, and a change of a force may be approved. Pure."""
