"""The one history of the database's shape. Applied by `python -m services migrate`, never by a service."""
