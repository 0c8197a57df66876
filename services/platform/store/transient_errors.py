"""Tells failures that pass by themselves (database away, deadlock, serialization conflict, full pool) from others."""

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.platform.store.key_wrappers.wrapper import KeyMissing

PASSING_STATES = ("08", "40001", "40P01", "53", "55P03", "57P", "57014", "25P03", "25006")
"""SQLSTATE prefixes: connection, serialization, deadlock, resources, lock timeout, shutdown, cancelled, read-only."""

OF_DATABASE = (SQLAlchemyError, psycopg.Error, OSError, TimeoutError)
"""Errors after which a transaction cannot go on."""


def is_transient(error: BaseException) -> bool:
    if isinstance(error, KeyMissing):
        return False  # whoever waited for one authority's key would hold up every other's work
    if isinstance(error, PoolTimeoutError | ConnectionError | TimeoutError):
        return True
    if isinstance(error, psycopg.Error):
        state, away = error.sqlstate, isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    elif isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        away = isinstance(error, OperationalError | InterfaceError)
        if error.connection_invalidated:
            return True
    else:
        return False
    if state is None:
        return away
    return str(state).startswith(PASSING_STATES)
