"""Brings a database to the newest shape."""

import time
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, event, make_url

from services.platform.store.disposal import copy_holdings

HISTORY = Path(__file__).parent
LOCK = 710274
LOCKED_WITHIN, AT_REST_WITHIN = "5s", "10min"
"""What cannot lock a table must not hold up everybody who queues behind it. CONCURRENTLY holds up nobody, and waits for
all that runs at the moment: a service's statement may last 20 s.
"""
AGAIN_SECONDS = 0.2
OWN_VIEWS = "SELECT walls.own_views()"
"""In a restored copy whoever restored it owns them, and they would show every authority's rows."""


SEES_ALL = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


class BlindOwnerError(Exception):
    """Whoever migrates owns the functions that erase and hold, and the walls would keep rows from them."""

    def __init__(self) -> None:
        super().__init__(
            "SAFE_RETURN_ADMIN_DATABASE names a role that row-level security holds back: it would own the functions that erase"
            " and hold records, and they would miss rows without a word. Nothing was changed. Name a superuser, or give the role"
            " BYPASSRLS."
        )


class UnknownShapeError(Exception):
    """Another version of Safe Return made this database. The text says so, and what can be done."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The database has the shape {revision}, which this version of Safe Return does not know: another version made it,"
            " and nothing was changed. Go on with that version; or, where the data may be lost (a sandbox: `make clean`), start"
            " with an empty database."
        )


def apply(admin_url: str, history: Path = HISTORY) -> None:
    """`admin_url` names a role that may create schemas and roles. Two that run at once wait for each other.

    Each migration is a transaction of its own. Raises UnknownShapeError, BlindOwnerError.
    """
    url = make_url(admin_url).set(drivername="postgresql+psycopg")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        _wait_for_others(connection)
        if not connection.exec_driver_sql(SEES_ALL).scalar():
            raise BlindOwnerError
        config = configuration(history)
        _require_known(connection, config)
        connection.commit()
        event.listen(connection, "before_cursor_execute", _limit_waiting)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.exec_driver_sql(OWN_VIEWS)
        copy_holdings(connection)
        connection.commit()


def configuration(history: Path = HISTORY) -> Config:
    """Alembic's, for the migrations in that folder."""
    config = Config()
    config.set_main_option("script_location", str(history))
    config.set_main_option("path_separator", "os")
    return config


def _limit_waiting(_connection: Connection, cursor: Any, statement: str, *_: object) -> None:
    within = AT_REST_WITHIN if "CONCURRENTLY" in statement else LOCKED_WITHIN
    cursor.execute(f"SET lock_timeout = '{within}'")


def _wait_for_others(connection: Connection) -> None:
    """Polls, since a statement that waited would keep CREATE INDEX CONCURRENTLY from ever ending."""
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})").scalar():
        connection.rollback()
        time.sleep(AGAIN_SECONDS)
    connection.commit()


def _require_known(connection: Connection, config: Config) -> None:
    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    context = MigrationContext.configure(connection, opts={"version_table_schema": "public"})
    for revision in context.get_current_heads():
        if revision not in known:
            raise UnknownShapeError(revision)
