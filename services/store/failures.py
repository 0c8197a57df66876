"""Which failures pass by themselves: the database away, a deadlock, a serialization conflict, a full pool."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

PASSING_STATES = ("08", "40001", "40P01", "53", "55P03", "57P", "57014", "25P03", "25006")
"""SQLSTATE beginnings: connection, serialization, deadlock, resources, lock timeout, shutdown, cancelled, idle timeout, read-only."""


def passes_by_itself(error: BaseException) -> bool:
    if isinstance(error, PoolTimeoutError | ConnectionError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError | InterfaceError)
    return str(state).startswith(PASSING_STATES)
