"""PostgreSQL: the engine, one transaction for a handler's effects, inbox, outbox, deadlines, story time, encrypted columns, migrations."""
