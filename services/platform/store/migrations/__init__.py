"""Holds the one history of the database's shape. `python -m services migrate` applies it, never a service."""
