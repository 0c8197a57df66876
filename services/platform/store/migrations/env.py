"""Runs the migrations, as Alembic's entry, over `apply`'s connection; without one, prints SQL (`alembic --sql`)."""

from alembic import context

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", version_table_schema="public", transaction_per_migration=True)
else:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, version_table_schema="public", transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
