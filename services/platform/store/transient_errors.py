"""Tells failures that pass by themselves (database away, deadlock, serialization conflict, full pool) from others.

A web application whose routes use the database is made here: it answers them as such.
"""

import psycopg
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.platform.runtime.http.problems import answer_with_problems
from services.platform.store.key_wrappers.wrapper import KeyMissing

PASSING_STATES = ("08", "40001", "40P01", "53", "55P03", "57P", "57014", "25P03", "25006")
"""SQLSTATE prefixes: connection, serialization, deadlock, resources, lock timeout, shutdown, cancelled, read-only."""

OF_CONTENTION = ("40001", "40P01", "53", "55P03", "57014")
"""Those of them after which the connection goes on: this work failed, and other work need not."""

OF_DATABASE = (SQLAlchemyError, psycopg.Error, OSError, TimeoutError)
"""Errors after which a transaction cannot go on."""


def is_transient(error: BaseException) -> bool:
    if isinstance(error, KeyMissing):
        return False  # whoever waited for one authority's key would hold up every other's work
    if isinstance(error, PoolTimeoutError | ConnectionError | TimeoutError):
        return True
    if _is_lost(error):
        return True
    state = _state_of(error)
    if state is None:
        away = psycopg.OperationalError | psycopg.InterfaceError | OperationalError | InterfaceError
        return isinstance(error, away)
    return state.startswith(PASSING_STATES)


def took_too_long(error: BaseException) -> bool:
    """Whether PostgreSQL ended a statement at its limit of time. That passes, unless the statement is at fault."""
    return _state_of(error) == "57014"


def is_contention(error: BaseException) -> bool:
    """Whether this work alone has to wait: it met a lock or took too long, and the connection serves other work."""
    return not _is_lost(error) and (_state_of(error) or "").startswith(OF_CONTENTION)


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _state_of(error: BaseException) -> str | None:
    of_driver = error.orig if isinstance(error, DBAPIError) else error
    return of_driver.sqlstate if isinstance(of_driver, psycopg.Error) else None


def new_web_app(service: str) -> FastAPI:
    """Answers every error with a problem document: 503 while the database is away, so that the sender repeats."""
    app = FastAPI(title=f"Safe Return: {service}", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=OF_DATABASE, passes_by_itself=is_transient)
    return app
