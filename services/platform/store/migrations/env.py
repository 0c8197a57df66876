"""Alembic's entry: runs the history over the connection that `services.platform.store.migrations.apply` hands it."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="public")
with context.begin_transaction():
    context.run_migrations()
