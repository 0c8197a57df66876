"""Keeps state in PostgreSQL: engine, unit of work, inbox, outbox, story time, encrypted columns, migrations."""
